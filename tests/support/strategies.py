"""What strangers send: messages, zones, records, texts; mostly near the grammar, sometimes far from it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mailauth import Connection, Options
from support.signing import MAIL, key, sealed, signed

DOMAINS = ["example.com", "a.example.com", "example.net", "co.uk", "com", "xn--bcher-kva.example"]

FRAGMENTS = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"  ",
    b" \r\n",
    b"\r\n ",
    b"\r\n\r\n",
    b":",
    b";",
    b"=",
    b"(",
    b")",
    b'"',
    b"\\",
    b"<",
    b">",
    b"@",
    b",",
    b".",
    b"\x00",
    b"\xff",
    "ü".encode(),
    "\u202e".encode(),
    b"a",
    b"x",
    b"example.com",
    b"From: a@example.com\r\n",
    b"From: ",
    b"from :",
    b"DKIM-Signature: ",
    b"v=1; a=rsa-sha256; d=example.com; s=s1; ",
    b"h=from; bh=",
    b"b=",
    b"l=0;",
    b"ARC-Seal: i=1; cv=none; ",
    b"ARC-Message-Signature: i=1; ",
    b"ARC-Authentication-Results: i=1; ",
    b"Authentication-Results: mx.example.org; ",
    b"dkim=pass ",
    b"reason=",
    b"header.d=example.com ",
    b"none",
    b"i=",
    b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    b"Received: from x ",
    b"([192.0.2.1]) by ",
    b"Return-Path: <",
    b"=?utf-8?Q?x?=",
]

octets = st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(b"".join))


@st.composite
def spoiled(draw: Any) -> bytes:
    """A well-made message with some octets replaced, inserted or cut."""
    raw = bytearray(draw(st.sampled_from([MAIL, SIGNED, SEALED])))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(raw)))
        raw[start : start + draw(st.integers(0, 5))] = draw(st.sampled_from(FRAGMENTS))
    return bytes(raw)


SIGNED = signed()
SEALED = sealed(SIGNED)
messages = st.one_of(octets, spoiled())

TERMS = [
    "v=spf1",
    " ",
    "+all",
    "-all",
    "~all",
    "?all",
    "a",
    "mx",
    "ptr",
    "a:example.com",
    "mx:example.net",
    "include:example.net",
    "include:example.com",
    "exists:%{i}.example.com",
    "redirect=example.net",
    "exp=why.example.com",
    "ip4:192.0.2.0/24",
    "ip6:2001:db8::/32",
    "%{p}",
    "a:%{l}.example.com",
    "/24",
    "//64",
    "bogus",
    "%",
    "=",
    ":",
    "ü",
]
spf_records = st.one_of(
    st.lists(st.sampled_from(TERMS), max_size=12).map(lambda terms: "v=spf1 " + " ".join(terms)),
    st.lists(st.sampled_from(TERMS), max_size=12).map("".join),
)
dmarc_records = st.lists(
    st.sampled_from(
        [
            "v=DMARC1",
            "p=reject",
            "p=none",
            "sp=quarantine",
            "np=reject",
            "adkim=s",
            "aspf=s",
            "t=y",
            "psd=y",
            "psd=n",
            "rua=mailto:a@example.com",
            "p=junk",
            "",
            "=",
            "x=ü",
        ]
    ),
    max_size=6,
).map(lambda tags: "v=DMARC1; " + "; ".join(tags))
key_records = st.sampled_from(
    [key().record(), key().record(t="y"), key().record(t="s"), key().record(p=""), key("rsa2048-list").record(), "junk"]
)
texts = st.one_of(spf_records, dmarc_records, key_records, st.text(max_size=30))
FAULTS = ["TIMEOUT", "SERVFAIL", "REFUSED", "NXDOMAIN"]


def txt(records: Any) -> Any:
    return st.one_of(st.lists(records, max_size=2), st.sampled_from(FAULTS))


addresses = st.one_of(
    st.lists(st.sampled_from(["192.0.2.1", "192.0.2.3", "198.51.100.1"]), max_size=3), st.sampled_from(FAULTS)
)
hosts = st.one_of(st.lists(st.sampled_from([*DOMAINS, ".", "mx.example.com"]), max_size=3), st.sampled_from(FAULTS))
exchanges = st.one_of(
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from([*DOMAINS, "."])).map(list), max_size=3),
    st.sampled_from(FAULTS),
)
node = st.fixed_dictionaries(
    {}, optional={"TXT": txt(spf_records), "A": addresses, "AAAA": st.just(["2001:db8::1"]), "MX": exchanges}
)
POLICY_NAMES = [f"_dmarc.{d}" for d in ("example.com", "a.example.com", "com", "example.net")]


@st.composite
def zones(draw: Any) -> dict[str, Any]:
    """DNS for the names that the messages and connections here lead to."""
    data: dict[str, Any] = {name: draw(st.one_of(node, st.sampled_from(FAULTS))) for name in DOMAINS[:3]}
    for name in POLICY_NAMES:
        if draw(st.booleans()):
            data[name] = {"TXT": draw(txt(dmarc_records))}
    data["s1._domainkey.example.com"] = {"TXT": draw(txt(key_records))}
    data["arc._domainkey.lists.example.org"] = {"TXT": draw(txt(key_records))}
    data["3.2.0.192.in-addr.arpa"] = {"PTR": draw(hosts)}
    data["why.example.com"] = {"TXT": draw(txt(st.text(max_size=20)))}
    return data


senders = st.one_of(
    st.none(),
    st.sampled_from(
        ["", "anna@example.com", "a@a.example.com", "x@example.net", '"a@b"@example.com', "ü@bücher.example"]
    ),
    st.text(max_size=40),
)
helos = st.one_of(
    st.none(), st.sampled_from(["example.com", "a.example.com", "[192.0.2.3]", "localhost"]), st.text(max_size=40)
)
ips = st.sampled_from([None, "192.0.2.3", "192.0.2.1", "198.51.100.77", "2001:db8::1"])
connections = st.builds(Connection, ip=ips, helo=helos, mail_from=senders)
options = st.builds(
    Options,
    strict=st.booleans(),
    mode=st.sampled_from(["rfc9989", "rfc7489"]),
    allow_partial_body=st.booleans(),
    received_spf=st.booleans(),
    enforce_reject=st.booleans(),
    trusted_sealers=st.just(frozenset({"lists.example.org"})),
)
