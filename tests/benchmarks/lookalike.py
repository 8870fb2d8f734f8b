"""How many imitations of 200 brands `lookalike.find` finds, and how many ordinary names it takes for one.

    pip install dnstwist hstspreload
    python tests/benchmarks/lookalike.py [--brands FILE] [--words FILE] [--suffixes FILE] [--authors FILE]
        [--names N] [--show KIND]

The bases of the scores, and some of the words that imitators add, were chosen with these brands. `--brands` is a file
of other domains, one a line, to measure without that help.

The imitations are those that dnstwist makes of each brand; `--words` and `--suffixes` are its dictionaries of words and
of top-level domains (`dictionaries/` of its repository), without which it makes none of these. The ordinary names are a
sample of Chromium's list of sites that want HTTPS, from the package hstspreload: registered, in use, of all countries,
most of them small. `--authors` is a file with a From field a line, of ordinary mail: on Debian, for example, that of
`apt-cache dumpavail | sed -n 's/^Maintainer: //p' | sort -u`. `--show` prints the ordinary names and authors that were
taken for an imitation of a kind.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import dnstwist  # noqa: E402

from mailauth import Message, lookalike  # noqa: E402
from mailauth.filters import addresses  # noqa: E402

NAMES = """
google.com youtube.com facebook.com instagram.com whatsapp.com wikipedia.org yahoo.com amazon.com twitter.com tiktok.com
reddit.com netflix.com linkedin.com microsoft.com office.com live.com bing.com ebay.com pinterest.com apple.com
icloud.com adobe.com spotify.com paypal.com stripe.com github.com gitlab.com dropbox.com zoom.us slack.com
salesforce.com oracle.com ibm.com intel.com nvidia.com cisco.com vmware.com dell.com samsung.com sony.com
nintendo.com steampowered.com roblox.com twitch.tv discord.com telegram.org signal.org mozilla.org debian.org python.org
cloudflare.com fastly.com akamai.com godaddy.com namecheap.com ovh.com hetzner.de ionos.de strato.de digitalocean.com
wordpress.com wix.com squarespace.com shopify.com etsy.com walmart.com target.com costco.com ikea.com zalando.de
otto.de aliexpress.com alibaba.com booking.com airbnb.com expedia.com tripadvisor.com uber.com lyft.com lufthansa.com
ryanair.com easyjet.com delta.com united.com emirates.com airfrance.fr britishairways.com dhl.de ups.com fedex.com
usps.com hermesworld.com royalmail.com laposte.fr chase.com wellsfargo.com bankofamerica.com citibank.com capitalone.com
americanexpress.com visa.com mastercard.com discover.com hsbc.co.uk barclays.co.uk lloydsbank.com natwest.com
santander.com bbva.com ing.nl rabobank.nl abnamro.nl deutsche-bank.de commerzbank.de sparkasse.de postbank.de
volksbank.de n26.com revolut.com wise.com klarna.com coinbase.com binance.com kraken.com ubs.com credit-suisse.com
allianz.de axa.fr generali.it zurich.com bnpparibas.com societegenerale.fr credit-agricole.fr unicredit.it
intesasanpaolo.com nordea.fi danskebank.dk swedbank.se handelsbanken.se telekom.de vodafone.com orange.fr o2.de
telefonica.es verizon.com att.com tmobile.com comcast.com xfinity.com bt.com sky.com siemens.com bosch.de bmw.de
volkswagen.de mercedes-benz.com porsche.com audi.de toyota.com honda.com ford.com tesla.com renault.fr peugeot.fr
bayer.com basf.com pfizer.com novartis.com roche.com nestle.com unilever.com danone.com coca-cola.com pepsi.com
starbucks.com mcdonalds.com nike.com adidas.com puma.com zara.com decathlon.fr lidl.de aldi.de carrefour.fr tesco.com
bbc.co.uk cnn.com nytimes.com spiegel.de lemonde.fr elpais.com repubblica.it docusign.com intuit.com quickbooks.com
hubspot.com mailchimp.com zendesk.com atlassian.com canva.com
"""
BRANDS = NAMES.split()
SEED = 7
LEAF = 0x80


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def ordinary(count: int) -> list[str]:
    """Return a sample of the names in hstspreload: entries of flags, a length, and as many octets."""
    data, names, at = (resources.files("hstspreload") / "hstspreload.bin").read_bytes(), set(), 0
    while at < len(data):
        flags, size = data[at : at + 2]
        if flags & LEAF:
            names.add(data[at + 2 : at + 2 + size].decode("ascii"))
        at += 2 + size
    left = sorted(name for name in names if "." in name and name not in BRANDS)
    return random.Random(SEED).sample(left, min(count, len(left)))


def lines(path: Path | None) -> list[str]:
    text = path.read_text(encoding="utf-8").split("\n") if path else []
    return [line.strip() for line in text if line.strip() and not line.startswith("//")]


def imitations(brand: str, words: list[str], suffixes: list[str]) -> Iterator[tuple[str, str]]:
    """Yield what dnstwist makes of a brand, each name with how it was made."""
    fuzzer = dnstwist.Fuzzer(brand, dictionary=words, tld_dictionary=suffixes)
    fuzzer.generate()
    for made in fuzzer.permutations():
        if made["fuzzer"] != "*original" and made["domain"]:
            yield made["fuzzer"], made["domain"]


def row(*cells: object) -> None:
    say(f"| {' | '.join(map(str, cells))} |")


def recall(brands: list[str], protected: lookalike.Protected, words: list[str], suffixes: list[str]) -> None:
    made: Counter[str] = Counter()
    found: Counter[str] = Counter()
    long: Counter[str] = Counter()
    long_found: Counter[str] = Counter()
    for brand in brands:
        is_long = len(brand.partition(".")[0]) > 5
        for how, name in imitations(brand, words, suffixes):
            if protected.owner(name):
                continue
            hit = any(each.protected == brand for each in lookalike.find(name, protected))
            made[how] += 1
            found[how] += hit
            long[how] += is_long
            long_found[how] += hit and is_long
    row("made by dnstwist", "names", "found", "of brands with more than 5 letters")
    row("---", "---:", "---:", "---:")
    for how in sorted(made):
        row(f"`{how}`", f"{made[how]:,}", f"{found[how] / made[how]:.1%}", f"{long_found[how] / long[how]:.1%}")
    row("all", f"{made.total():,}", f"{found.total() / made.total():.1%}", f"{long_found.total() / long.total():.1%}")


def alarms(found: list[tuple[str, tuple[lookalike.Finding, ...]]], what: str, show: str | None) -> None:
    """Tell how many ordinary names were taken for an imitation, by the kind of the likeliest finding."""
    alarm: Counter[str] = Counter()
    below: Counter[str] = Counter()
    brands: Counter[str] = Counter()
    for name, findings in found:
        if not findings:
            continue
        first = findings[0]
        (alarm if first.score >= lookalike.THRESHOLD else below)[first.kind] += 1
        brands[first.protected] += first.score >= lookalike.THRESHOLD
        if first.kind == show:
            say(f"{first.score} {name} {first.why}")
    row("kind", f"of {len(found):,} {what}", "below the threshold")
    row("---", "---:", "---:")
    for kind in lookalike.Kind:
        if alarm[kind] or below[kind]:
            row(f"`{kind}`", alarm[kind], f"{below[kind]:,}")
    row("all", alarm.total(), f"{below.total():,}")
    say(f"\nBrands with an alarm: {sum(map(bool, brands.values()))}; most have {brands.most_common(5)}")


def of_authors(path: Path, protected: lookalike.Protected) -> list[tuple[str, tuple[lookalike.Finding, ...]]]:
    """Return the authors of a file with what they imitate."""
    boxes = [
        (line, box)
        for line in lines(path)
        for box in addresses(Message.parse(b"From: " + line.encode() + b"\r\n\r\n"), "From")
    ]
    return [
        (line, lookalike.find_in_author(box.name, f"{box.local}@{box.domain}", protected, 0)) for line, box in boxes
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--brands", type=Path)
    parser.add_argument("--words", type=Path)
    parser.add_argument("--suffixes", type=Path)
    parser.add_argument("--authors", type=Path)
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--show")
    options = parser.parse_args()
    assert len(set(BRANDS)) == len(BRANDS) == 200
    brands = [brand for brand in lines(options.brands) if brand not in BRANDS] or BRANDS
    protected = lookalike.Protected(brands)
    names = ordinary(options.names)
    began = time.process_time()
    found = [(name, lookalike.find(name, protected, 0)) for name in names if name not in brands]
    spent = time.process_time() - began
    alarms(found, "ordinary names", options.show)
    say(f"\n{spent / len(names) * 1e6:.0f} µs of CPU for a name\n")
    if options.authors:
        alarms(of_authors(options.authors, protected), "ordinary authors", options.show)
        say()
    if not options.show:
        recall(brands, protected, lines(options.words), lines(options.suffixes))


if __name__ == "__main__":
    main()
