"""Compares how generated records of MTA-STS, TLS-RPT and BIMI are read with checkdmarc.

    cd tests && python -m differential.checkdmarc_records PYTHON [NUMBER]

As `checkdmarc`, but for records alone: nothing is asked, and no page is fetched.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter

from mailauth import bimi, mta_sts, tls_rpt
from mailauth.results import Malformed

NUMBER = 1000
THEIRS = """
import json, sys
import requests
from checkdmarc import bimi, mta_sts, smtp_tls_reporting as rpt

def refuse(*arguments, **more):
    raise requests.exceptions.ConnectionError("no network here")

requests.Session.request = refuse
READERS = {
    "MTA-STS": lambda text: mta_sts.parse_mta_sts_record(text),
    "TLS-RPT": lambda text: rpt.parse_smtp_tls_reporting_record(text),
    "BIMI": lambda text: bimi.parse_bimi_record(text),
}
found = []
for kind, text in json.load(sys.stdin):
    try:
        READERS[kind](text)
        found.append("")
    except Exception as error:
        found.append(f"{type(error).__name__}: {error}"[:200])
print(json.dumps(found))
"""
PARTS: dict[str, tuple[list[str], list[str]]] = {
    "MTA-STS": (
        ["v=STSv1"] * 6 + ["v=STSv1 ", "V=STSv1", "v=stsv1", "v=STSv2"],
        ["id=1", "id=20261127T00", "id=", "id=a-b", f"id={'a' * 33}", "ID=1", "x=y", "x.y=z", "x=", "id", "id= 1"],
    ),
    "TLS-RPT": (
        ["v=TLSRPTv1"] * 6 + ["v=TLSRPTv1 ", "V=TLSRPTv1", "v=TLSRPTv2"],
        ["rua=mailto:a@example.com", "rua=https://example.com/r", "rua=mailto:a@example.com,https://example.com",
         "rua=mailto:a@example.com, mailto:b@example.com", "rua=", "rua=a@example.com", "rua=ftp://example.com", "x=y",
         "rua=mailto:a@example.com!10m", "rua"],
    ),
    "BIMI": (
        ["v=BIMI1"] * 6 + ["v = BIMI1", "V=BIMI1", "v=bimi1", "v=BIMI2"],
        ["l=https://example.com/l.svg", "l=", "l=http://example.com/l.svg", "l=https://example.com/l.png",
         "a=https://example.com/a.pem", "a=", "a=self", "avp=brand", "avp=personal", "avp=x", "lps=news,offers", "x=y",
         "l=https://example.com/a b.svg"],
    ),
}  # fmt: skip


def records(number: int, seed: int = 8461) -> list[tuple[str, str]]:
    """Return kinds of records and their texts."""
    chance = random.Random(seed)
    found = []
    for _ in range(number):
        kind = chance.choice([*PARTS])
        versions, tags = PARTS[kind]
        chosen = [chance.choice(versions), *chance.sample(tags, chance.choice([0, 1, 1, 2, 2, 3]))]
        found.append((kind, chance.choice([";", "; ", "; ", " ; "]).join(chosen) + chance.choice(["", "", ";", "; "])))
    return found


def ours(kind: str, text: str) -> str:
    """Return why we do not take a record, empty if we do."""
    octets = text.encode()
    if kind == "BIMI":
        try:
            return "" if bimi.parse(octets) is not None else "not a BIMI record"
        except Malformed as malformed:
            return malformed.detail
    if kind == "MTA-STS":
        sts = mta_sts.parse_record(octets)
        return sts.detail if isinstance(sts, mta_sts.Unreadable) else ""
    rpt = tls_rpt.parse_record(octets)
    return rpt.detail if isinstance(rpt, tls_rpt.Unreadable) else "" if rpt.usable else "no URI names a place"


# Why they differ, and who is right by which clause
SCHEME = "checkdmarc refuses all URIs for one of another scheme; by the ABNF of RFC 8460 §3 that is a URI, too"
AVATAR = "checkdmarc refuses an unknown value of avp=; BIMI §5.3: it is ignored"
FORMAT = "checkdmarc does not look at the name of the file before it fetches; BIMI §5.3.2: only SVG is acceptable"


def reason(kind: str, text: str, own: str, other: str) -> str:
    """Return why a record is taken by one alone; "" for a difference without a reason."""
    if kind == "TLS-RPT" and not own and "ftp:" in other:
        return SCHEME
    if kind == "BIMI" and not own and "avp" in other and "avp=x" in text:
        return AVATAR
    return FORMAT if kind == "BIMI" and not other and "not SVG" in own else ""


def compare(python: str, number: int = NUMBER) -> list[tuple[str, str, str, str, str]]:
    """Return the records that one takes and the other does not: kind, text, why we do not, why they do not, reason."""
    made = records(number)
    done = subprocess.run([python, "-c", THEIRS], input=json.dumps(made), capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout)
    return [
        (kind, text, own, other, reason(kind, text, own, other))
        for (kind, text), other in zip(made, theirs, strict=True)
        if bool(own := ours(kind, text)) != bool(other)
    ]


def main() -> int:
    """Print the table."""
    found = compare(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else NUMBER)
    for (kind, why), count in sorted(Counter((kind, why) for kind, _, _, _, why in found).items()):
        sys.stdout.write(f"{count:4} {kind:8} {why or 'WITHOUT A REASON'}\n")
    unexplained = [each for each in found if not each[-1]]
    for kind, text, own, other, _ in unexplained:
        sys.stdout.write(f"{kind}: {text}: we say {own or 'valid'}, checkdmarc says {other or 'valid'}\n")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
