"""Compares the posture of generated domains with checkdmarc, over a real DNS server on the loopback interface.

    cd tests && python -m differential.checkdmarc PYTHON [NUMBER]

PYTHON is that of a virtual environment with checkdmarc; it is not installed beside this library, whose dependencies it
would change. Prints a table of the differences, each with its reason, and exits 1 if one has none. The zones follow
from a seed; nsd serves them.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.servers import HOST, master_file, nsd

from mailauth import run
from mailauth.posture import Posture, examine
from mailauth.testing import Zone

NUMBER = 300
THEIRS = """
import json, sys
import dns.resolver
from checkdmarc.spf import check_spf
from checkdmarc.dmarc import check_dmarc

port, names = int(sys.argv[1]), json.load(sys.stdin)
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers, resolver.port = [sys.argv[2]], port
found = {}
for name in names:
    spf = check_spf(name, resolver=resolver, timeout=5)
    dmarc = check_dmarc(name, resolver=resolver, timeout=5)
    parsed = spf.get("parsed") or {}
    tags = dmarc.get("tags") or {}
    found[name] = {
        "spf": {key: spf.get(key) for key in ("valid", "dns_lookups", "void_dns_lookups", "error", "record")},
        "all": parsed.get("all"),
        "dmarc": {key: dmarc.get(key) for key in ("valid", "location", "error")},
        "tags": {name: tag.get("value") for name, tag in tags.items()},
    }
print(json.dumps(found))
"""
HELPERS: dict[str, Any] = {
    "both.helper.example": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]},
    "v4.helper.example": {"A": ["192.0.2.2"]},
    "v6.helper.example": {"AAAA": ["2001:db8::2"]},
    "text.helper.example": {"TXT": ["nothing"]},
    "mx.helper.example": {"MX": [[10, "both.helper.example"], [20, "v4.helper.example"]]},
    "null.helper.example": {"MX": [[0, "."]]},
    "spf0.helper.example": {"TXT": ["v=spf1 ip4:198.51.100.0/24 ~all"]},
    "spf2.helper.example": {"TXT": ["v=spf1 a:both.helper.example include:spf0.helper.example -all"]},
    "spf4.helper.example": {"TXT": ["v=spf1 mx:mx.helper.example a:v4.helper.example a include:spf0.helper.example"],
                            "A": ["192.0.2.4"]},
    "open.helper.example": {"TXT": ["v=spf1 +all"]},
    "wrong.helper.example": {"TXT": ["v=spf1 ip4:1.2.3 -all"]},
    "twice.helper.example": {"TXT": ["v=spf1 -all", "v=spf1 ~all"]},
    "loop.helper.example": {"TXT": ["v=spf1 include:loop.helper.example -all"]},
}  # fmt: skip
TERMS = [
    "a", "mx", "a:both.helper.example", "a:v4.helper.example", "a:v6.helper.example", "a:text.helper.example",
    "a:gone.helper.example", "mx:mx.helper.example", "mx:null.helper.example", "mx:gone.helper.example", "ptr",
    "exists:both.helper.example", "exists:%{i}.helper.example", "exists:gone.helper.example",
    *(f"include:{name}.helper.example" for name in ("spf0", "spf2", "spf4")), "ip4:192.0.2.0/24", "ip6:2001:db8::/32",
    "ip4:203.0.113.7",
]  # fmt: skip
RARE = [
    *(f"include:{name}.helper.example" for name in ("open", "wrong", "twice", "loop", "gone", "text")), "ip4:192.0.2",
    "a:1.2.3.4", "bogus", "+all", "moo=x", "redirect=spf2.helper.example", "redirect=gone.helper.example", "a/33",
]  # fmt: skip
ENDS = ["-all", "-all", "~all", "~all", "?all", "", "redirect=spf0.helper.example"]
TAGS = ["p=none", "p=quarantine", "p=reject", "p=reject", "p=junk", ""]
MORE = ["sp=none", "sp=reject", "np=reject", "np=none", "t=y", "adkim=s", "aspf=x", "pct=50", "psd=n", "fo=1", "x=1",
        "rua=mailto:a@both.helper.example"]  # fmt: skip


def zones(number: int, seed: int = 9989) -> dict[str, Any]:
    """Return the DNS of some domains, and of what they refer to."""
    chance = random.Random(seed)
    data = dict(HELPERS)
    for n in range(number):
        terms = chance.sample(TERMS, chance.choice([1, 2, 3, 5, 8]))
        if chance.random() < 0.25:
            terms.insert(chance.randrange(len(terms) + 1), chance.choice(RARE))
        record = " ".join(filter(None, ["v=spf1", *terms, chance.choice(ENDS)]))
        name = f"d{n}.example"
        texts = (
            [record] if chance.random() < 0.92 else chance.choice([[], [record, "v=spf1 -all"], [f"v=spf10 {record}"]])
        )
        data[name] = {"TXT": texts, "A": ["192.0.2.80"], "MX": [[10, "both.helper.example"]]}
        if chance.random() < 0.9:
            tags = [chance.choice(TAGS), *chance.sample(MORE, chance.choice([0, 1, 2, 4]))]
            policy = "; ".join(["v=DMARC1", *filter(None, tags)])
            wrong = [[policy, "v=DMARC1; p=none; x=2"], [policy.replace("DMARC1", "DMARC2")]]
            data[f"_dmarc.{name}"] = {"TXT": [policy] if chance.random() < 0.93 else chance.choice(wrong)}
    return data


# Why they differ, and who is right by which clause
EXISTS = "checkdmarc does not count exists: among the lookups that find nothing; RFC 7208 §4.6.4 does"
NULL_MX = "checkdmarc takes the null MX for a lookup that finds nothing; RFC 7208 §4.6.4: it is an answer with a record"
NUMERIC = "checkdmarc accepts a name that ends in a number; RFC 7208 §7.1: a toplabel is not all digits"
JUNK = "checkdmarc refuses an invalid p with a valid rua; RFC 9989 §4.10.1: it counts as p=none"
TWICE = "checkdmarc refuses a record with a tag twice; RFC 9989 §4.7 leaves it open: here the tag counts as invalid"


def differences(ours: Posture, theirs: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Yield what differs: the point, what we say, what they say, and why; "" is a difference without a reason."""
    spf, other = ours.spf, theirs["spf"]
    broken = any(record.problem or record.loops for record in spf.records)
    usable = not broken and spf.lookups <= 10 and spf.voids <= 2
    if usable != bool(other["valid"]):
        yield "SPF usable", str(usable), f"{other['valid']}: {other['error']}", _why_spf(ours, usable=usable)
    elif usable:
        if spf.lookups != other["dns_lookups"]:
            yield "SPF lookups", str(spf.lookups), str(other["dns_lookups"]), ""
        if spf.voids != other["void_dns_lookups"]:
            yield (
                "SPF void lookups",
                str(spf.voids),
                str(other["void_dns_lookups"]),
                _why_voids(ours, other["void_dns_lookups"]),
            )
        if spf.default != (theirs["all"] or "neutral"):
            yield "SPF all", str(spf.default), str(theirs["all"]), ""
    dmarc, them = ours.dmarc, theirs["dmarc"]
    if dmarc.usable != bool(them["valid"]):
        yield "DMARC usable", str(dmarc.usable), f"{them['valid']}: {them['error']}", _why_dmarc(ours, them["error"])
    elif dmarc.usable:
        if dmarc.now.domain != them["location"]:
            yield "DMARC record", str(dmarc.now.domain), str(them["location"]), ""
        published = dict(dmarc.tags)
        told = {"p": "none"} | {name: value for name, value in published.items() if name in {"p", "sp", "np", "t"}}
        for name, value in told.items():
            if name in theirs["tags"] and theirs["tags"][name] != value:
                yield f"DMARC {name}", value, str(theirs["tags"][name]), ""


def _count(ours: Posture, kind: str, *, null: bool) -> int:
    """Return how many terms that evaluation reaches are `exists:` without an address, or `mx` with the null MX."""
    # Helpers include none of them, so the own record says it all
    terms = [term for term in ours.spf.own.terms if term.kind == kind]
    return sum(term.target == "null.helper.example" if null else term.state == "missing" for term in terms)


def _why_voids(ours: Posture, theirs: int) -> str:
    exists, null = _count(ours, "exists", null=False), _count(ours, "mx", null=True)
    if theirs != ours.spf.voids - exists + null:
        return ""
    return EXISTS if exists else NULL_MX


def _why_spf(ours: Posture, *, usable: bool) -> str:
    exists, null = _count(ours, "exists", null=False), _count(ours, "mx", null=True)
    if usable:
        return NULL_MX if ours.spf.voids - exists + null > 2 else ""
    if "1.2.3.4" in ours.spf.own.problem:
        return NUMERIC
    return EXISTS if ours.spf.voids > 2 >= ours.spf.voids - exists + null and not ours.spf.own.problem else ""


def _why_dmarc(ours: Posture, error: str | None) -> str:
    tags = dict(ours.dmarc.tags)
    if "p" in tags and tags["p"] == "junk" and ours.dmarc.reports:
        return JUNK
    return TWICE if error is not None and error.startswith("Duplicate ") else ""


def compare(python: str, number: int = NUMBER) -> list[tuple[str, str, str, str, str]]:
    """Return the differences over generated domains: domain, point, ours, theirs, reason."""
    data = zones(number)
    names = [f"d{n}.example" for n in range(number)]
    with tempfile.TemporaryDirectory() as directory, nsd(Path(directory), {".": master_file(data)}) as port:
        done = subprocess.run(
            [python, "-c", THEIRS, str(port), HOST], input=json.dumps(names), capture_output=True, text=True, check=True
        )
    theirs = json.loads(done.stdout)
    zone = Zone(data)
    return [(name, *each) for name in names for each in differences(run(examine(name), zone), theirs[name])]


def main() -> int:
    """Print the table."""
    found = compare(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else NUMBER)
    for (point, why), count in sorted(Counter((point, why) for _, point, _, _, why in found).items()):
        sys.stdout.write(f"{count:4} {point:18} {why or 'WITHOUT A REASON'}\n")
    unexplained = [each for each in found if not each[-1]]
    for name, point, ours, theirs, _ in unexplained:
        sys.stdout.write(f"{name}: {point}: we say {ours}, checkdmarc says {theirs}\n")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
