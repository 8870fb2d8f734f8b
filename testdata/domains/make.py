"""Make the DNS of a few domains, from safe to unsafe, and what must be found about each.

    python testdata/domains/make.py [FOLDER]

writes `NAME.json` for each domain, `all.json` with all of them, and `cases.json` anew, the same each time. The keys are
those in `../keys`. What must be found follows from how a domain was made, and from the RFCs that SOURCES.md names; it
was written down before the library was run.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

HERE = Path(__file__).resolve().parent
KEYS = HERE.parent / "keys"


def record(name: str, **tags: str) -> str:
    """Return the key record of a key in `../keys`."""
    public = load_pem_private_key((KEYS / f"{name}.pem").read_bytes(), None).public_key()
    if name.startswith("ed25519"):
        kind, octets = "ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        kind, octets = "rsa", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "; ".join(
        f"{tag}={value}"
        for tag, value in {"v": "DKIM1", "k": kind, **tags, "p": base64.b64encode(octets).decode()}.items()
    )


def txt(*texts: str) -> dict[str, Any]:
    """Return TXT records; a long one is cut into character-strings."""
    return {
        "TXT": [text if len(text) < 256 else [text[n : n + 255] for n in range(0, len(text), 255)] for text in texts]
    }


GOOD = {
    "good.example": {
        **txt("v=spf1 ip4:192.0.2.0/28 include:_spf.good.example -all"),
        "MX": [[10, "mx.good.example"]],
        "A": ["192.0.2.80"],
    },
    "_spf.good.example": txt("v=spf1 ip6:2001:db8:25::/64 -all"),
    "mx.good.example": {"A": ["192.0.2.25"], "AAAA": ["2001:db8::25"]},
    "_dmarc.good.example": txt("v=DMARC1; p=reject; rua=mailto:dmarc@good.example"),
    "s1._domainkey.good.example": txt(record("rsa2048-author")),
    "ed25519._domainkey.good.example": txt(record("ed25519-author")),
    "_mta-sts.good.example": txt("v=STSv1; id=20261127"),
    "_smtp._tls.good.example": txt("v=TLSRPTv1; rua=mailto:tlsrpt@good.example"),
}
TYPICAL = {
    "typical.example": {
        **txt("v=spf1 mx include:_spf.mailer.example ~all", "site-verification=3141592653"),
        "MX": [[10, "mx1.typical.example"], [20, "mx2.typical.example"]],
    },
    "mx1.typical.example": {"A": ["198.51.100.25"]},
    "mx2.typical.example": {"A": ["198.51.100.26"]},
    "_spf.mailer.example": txt("v=spf1 include:_a.mailer.example include:_b.mailer.example ~all"),
    "_a.mailer.example": txt("v=spf1 ip4:203.0.113.0/25 ~all"),
    "_b.mailer.example": txt("v=spf1 ip4:203.0.113.128/25 ~all"),
    "_dmarc.typical.example": txt("v=DMARC1; p=none; pct=100; rua=mailto:typical@reports.example"),
    "reports.example": {"MX": [[10, "mx.reports.example"]]},
    "mx.reports.example": {"A": ["198.51.100.90"]},
    "typical.example._report._dmarc.reports.example": txt("v=DMARC1;"),
    "mail._domainkey.typical.example": txt(record("rsa1024-old")),
}
BROKEN = {
    "broken.example": {
        **txt(
            "v=spf1 a mx ptr a:old.broken.example include:spf.lapsed.example "
            "include:_spf.mailer2.example ip4:192.0.0.0/8 ?all"
        ),
        "A": ["198.51.100.80"],
        "MX": [[10, "mx.broken.example"], [20, "backup.lapsed.example"]],
    },
    "mx.broken.example": {"A": ["198.51.100.24"]},
    "_spf.mailer2.example": txt(f"v=spf1 {' '.join(f'a:{n}.mailer2.example' for n in range(1, 6))} -all"),
    **{f"{n}.mailer2.example": {"A": [f"203.0.113.{n}"]} for n in range(1, 6)},
    "_dmarc.broken.example": txt(
        "v=DMARC1; p=quarantine; sp=none; pct=20; adkim=x; rua=mailto:dmarc@broken.example,mailto:broken@lapsed.example"
    ),
    "selector1._domainkey.broken.example": {"CNAME": "selector1.lapsed.example"},
    "default._domainkey.broken.example": txt(record("rsa512-weak", t="y")),
    "s1._domainkey.broken.example": txt(record("rsa2048-other")),
    "s2._domainkey.broken.example": txt(record("rsa2048-other")),
    "_mta-sts.broken.example": txt("v=STSv1; id=1"),
    "_smtp._tls.broken.example": txt("v=TLSRPTv1; rua=ftp://broken.example/reports"),
    "default._bimi.broken.example": txt("v=BIMI1; l=http://broken.example/logo.svg"),
}
PARKED = {
    "parked.example": {**txt("v=spf1 -all"), "MX": [[0, "."]], "A": ["192.0.2.81"]},
    "_dmarc.parked.example": txt("v=DMARC1; p=reject; sp=reject; np=reject; adkim=s; aspf=s"),
    "*._domainkey.parked.example": txt("v=DKIM1; p="),
    "default._bimi.parked.example": txt("v=BIMI1; l=; a="),
}
BARE = {"bare.example": {"A": ["192.0.2.82"]}}

ZONES: dict[str, dict[str, Any]] = {"good": GOOD, "typical": TYPICAL, "broken": BROKEN, "parked": PARKED, "bare": BARE}


def policy(mode: str, age: int, *hosts: str) -> dict[str, Any]:
    """Return the page with a policy of MTA-STS."""
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {host}" for host in hosts), f"max_age: {age}"]
    return {"status": 200, "content_type": "text/plain", "body": "".join(f"{line}\n" for line in lines)}


# The pages of each, by URL
PAGES: dict[str, dict[str, Any]] = {
    "good": {"https://mta-sts.good.example/.well-known/mta-sts.txt": policy("enforce", 2_419_200, "mx.good.example")},
    "broken": {"https://mta-sts.broken.example/.well-known/mta-sts.txt": policy("testing", 3600, "mx.broken.example")},
}
# The codes of what must be found, and nothing else, without the pages; those that the pages add; what must be counted
CASES: dict[str, dict[str, Any]] = {
    "good": {
        "letter": "A",
        "points": 100,
        "sends": True,
        "lookups": 1,
        "voids": 0,
        "ip4": 16,
        "ip6": 2**64,
        "codes": [],
    },
    # dmarc_none 45, dkim_1024 3, spf_softfail_all 3
    "typical": {
        "letter": "D",
        "points": 49,
        "sends": True,
        "lookups": 4,
        "voids": 0,
        "ip4": 258,
        "ip6": 0,
        "codes": ["dkim_1024", "dmarc_none", "dmarc_tag_removed", "mta_sts_missing", "spf_softfail_all"],
    },
    # a, mx, ptr, a:, two includes, and five a: in the second. a:old and the second host of mx find nothing for any
    # client, and for IPv6 every a and mx does
    "broken": {
        "letter": "F",
        "points": 0,
        "sends": True,
        "lookups": 11,
        "voids": 2,
        "ip4": 2**24 + 7,
        "ip6": 0,
        "page_codes": ["mta_sts_max_age", "mta_sts_mx", "mta_sts_not_enforced"],
        "codes": [
            "bimi_record",
            "dkim_registrable",
            "dkim_same_key",
            "dkim_short_key",
            "dkim_testing",
            "dmarc_old_receivers",
            "dmarc_quarantine",
            "dmarc_report_registrable",
            "dmarc_subdomains_none",
            "dmarc_tag_invalid",
            "dmarc_tag_removed",
            "mx_registrable",
            "spf_lookups",
            "spf_neutral_all",
            "spf_ptr",
            "spf_registrable",
            "spf_void_strict",
            "spf_wide",
            "tls_rpt_unusable",
        ],
    },
    "parked": {
        "letter": "A",
        "points": 100,
        "sends": False,
        "lookups": 0,
        "voids": 0,
        "ip4": 0,
        "ip6": 0,
        "codes": [],
    },
    # dmarc_missing 45, spf_missing 20, mx_not_parked 3
    "bare": {
        "letter": "F",
        "points": 32,
        "sends": False,
        "lookups": 0,
        "voids": 0,
        "ip4": 0,
        "ip6": 0,
        "codes": ["dkim_not_parked", "dmarc_missing", "mx_not_parked", "spf_missing"],
    },
}


def write(folder: Path) -> None:
    """Write the files."""
    merged = {name: types for zone in ZONES.values() for name, types in zone.items()}
    cases = [{"name": name, "domain": f"{name}.example", "page_codes": [], **case} for name, case in CASES.items()]
    every = {url: page for pages in PAGES.values() for url, page in pages.items()}
    zones = {name: {"zone": zone, "https": PAGES[name]} if name in PAGES else zone for name, zone in ZONES.items()}
    for name, data in (*zones.items(), ("all", {"zone": merged, "https": every}), ("cases", cases)):
        (folder / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
