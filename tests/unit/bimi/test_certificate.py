"""Mark certificates: one that is right, and what is wrong with each that differs in one thing."""

from __future__ import annotations

import base64
import gzip
import hashlib
import random
import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from support import marks
from support.marks import LOGO, NOW, Made, data_uri, der, logo_image, logotype, mark, pem

pytest.importorskip("lxml", reason="needs lxml: pip install 'mailauth[bimi]'")
pytest.importorskip("cryptography", "45", reason="needs cryptography 45: pip install 'mailauth[bimi]'")

from mailauth import UsageError
from mailauth.bimi import Checked, Code, Evidence, Indicator, certificate, path, svg

CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE


def check(octets: bytes, **options: Any) -> Checked[Evidence]:
    given: dict[str, Any] = {"author_domain": "example.com", "now": NOW, "roots": [marks.root().certificate]}
    return certificate.check(octets, **given | options)


def codes(found: Checked[Evidence]) -> list[Code]:
    return [problem.code for problem in found.problems]


def chain(leaf: Made, *authorities: Made) -> bytes:
    return pem(leaf, *(authorities or (marks.issuing(), marks.root())))


def test_a_certificate_that_is_right() -> None:
    leaf = mark()
    found = check(chain(leaf))
    assert not found.problems
    assert not found.advice
    evidence = found.value
    assert evidence is not None
    assert evidence.indicator.svg == LOGO
    assert evidence.indicator.title == "Example"
    assert evidence.indicator.sha256 == hashlib.sha256(LOGO).hexdigest()
    assert (evidence.domain, evidence.domains) == ("example.com", ("example.com",))
    assert evidence.organization == "Example Ltd"
    assert (evidence.mark_type, evidence.kind, evidence.pilot) == ("Registered Mark", "vmc", False)
    assert evidence.issuer == "Example Mark CA"
    assert evidence.not_before == NOW - timedelta(days=30)
    assert evidence.not_after == NOW + timedelta(days=300)
    assert evidence.sha256 == hashlib.sha256(leaf.certificate.public_bytes(Encoding.DER)).hexdigest()
    assert evidence.crls == ("http://crl.example/mark.crl",)
    assert evidence.unchecked == ("revocation", "sct_signatures")
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(found)


@pytest.mark.parametrize(
    ("mark_type", "kind"),
    [
        ("Registered Mark", "vmc"),
        ("Government Mark", "vmc"),
        ("Prior Use Mark", "cmc"),
        ("Modified Registered Mark", "cmc"),
        ("modified registered mark", "cmc"),
    ],
)
def test_the_mark_type_says_which_kind_it_is(mark_type: str, kind: str) -> None:
    found = check(chain(mark(mark_type=mark_type)))
    assert found.value is not None
    assert found.value.kind == kind


@pytest.mark.parametrize("mark_type", [None, "Imagined Mark"])
def test_another_mark_type_is_neither_kind(mark_type: str | None) -> None:
    found = check(chain(mark(mark_type=mark_type)))
    assert found.value is not None
    assert (found.value.kind, found.value.mark_type) == (None, mark_type or "")
    assert [each.code for each in found.advice] == [Code.MARK_TYPE]


def test_a_pilot_says_so() -> None:
    found = check(chain(mark(more=[(x509.UnrecognizedExtension(marks.PILOT, b"\5\0"), False)])))
    assert found.value is not None
    assert found.value.pilot


# draft-fetch-validation-vmc §5.2
@pytest.mark.parametrize(
    ("names", "asked", "covered"),
    [
        (["example.com"], {}, "example.com"),
        (["EXAMPLE.com"], {}, "example.com"),
        (["example.com"], {"selector": "spring"}, "example.com"),
        (["example.com"], {"author_domain": "news.example.com", "organizational_domain": "example.com"}, "example.com"),
        (
            ["news.example.com"],
            {"author_domain": "news.example.com", "organizational_domain": "example.com"},
            "news.example.com",
        ),
        (["default._bimi.example.com"], {}, "default._bimi.example.com"),
        (["default._bimi.example.com"], {"selector": "spring"}, None),
        (["spring._bimi.example.com"], {"selector": "spring"}, "spring._bimi.example.com"),
        (
            ["a.example", "spring._bimi.example.com"],
            {"selector": "spring", "author_domain": "x.example.com", "organizational_domain": "example.com"},
            "spring._bimi.example.com",
        ),
        (["news.example.com"], {}, None),
        (["example.com"], {"author_domain": "news.example.com"}, None),
        (["*.example.com"], {"author_domain": "news.example.com"}, None),
        (["xn--bcher-kva.example"], {"author_domain": "bücher.example"}, "xn--bcher-kva.example"),
        (["example.com.example.net"], {}, None),
    ],
)
def test_which_names_cover_a_record(names: list[str], asked: dict[str, Any], covered: str | None) -> None:
    found = check(chain(mark(names=names)), **asked)
    assert (found.value.domain if found.value else None) == covered
    assert codes(found) == ([] if covered else [Code.MARK_DOMAIN])


@pytest.mark.parametrize(
    "uri",
    [data_uri(gzip.compress(LOGO), "image/svg+xml+gzip"), data_uri(gzip.compress(LOGO)).replace(b"data", b"DATA")],
)
def test_forms_of_the_logo_that_are_taken(uri: bytes) -> None:
    assert check(chain(mark(logo=logotype(logo_image([uri]))))).value is not None
    assert check(chain(mark(logo=logotype(logo_image([b"https://a.example/logo.svg", uri]))))).value is not None


@pytest.mark.parametrize(
    "digests",
    [
        [(marks.SHA1, hashlib.sha1(LOGO).digest())],
        [(marks.SHA256, hashlib.sha256(gzip.compress(LOGO, mtime=0)).digest())],
        [(marks.SHA1, hashlib.sha1(LOGO).digest()), (marks.SHA256, hashlib.sha256(LOGO).digest())],
        [("2a03", b"unknown"), (marks.SHA256, hashlib.sha256(LOGO).digest())],
    ],
)
def test_hashes_of_the_logo_that_are_taken(digests: list[tuple[str, bytes]]) -> None:
    assert check(chain(mark(logo=logotype(logo_image(digests=digests))))).value is not None


def test_the_order_does_not_matter_and_the_root_may_be_missing() -> None:
    leaf, issuing, root = mark(), marks.issuing(), marks.root()
    assert check(pem(leaf, issuing)).advice == ()
    for octets in (pem(root, issuing, leaf), pem(issuing, leaf), pem(leaf, root, issuing)):
        found = check(octets)
        assert found.value is not None
        assert [each.code for each in found.advice] == [Code.ORDER]
    twice = check(pem(leaf, issuing, issuing))
    assert twice.value is not None
    assert [each.code for each in twice.advice] == [Code.DUPLICATES]
    words = b"Subject: a comment of RFC 7468\r\n" + pem(leaf, issuing).replace(b"\n", b"\r\n")
    assert check(words).value is not None


def test_the_fetched_logo_has_to_be_that_of_the_certificate() -> None:
    same, other = svg.check(gzip.compress(LOGO)).value, svg.check(LOGO.replace(b"32", b"31")).value
    assert same is not None
    assert other is not None
    assert check(chain(mark()), fetched=same).value is not None
    assert codes(check(chain(mark()), fetched=other)) == [Code.MARK_INDICATOR]


def test_an_elliptic_or_large_key_is_taken() -> None:
    assert check(chain(mark(private=marks.rsa_key(2048)))).value is not None
    big = marks.authority("RSA", 0, marks.root(), private=marks.rsa_key(4096))
    assert check(chain(mark(big), big)).value is not None


def other_root() -> Made:
    return marks.authority("Another Root", 5, purposes=None)


def hidden(made: Made) -> Made:
    """Return an authority that has the name of another and not its key."""
    return Made(made.certificate, marks.key(77))


class Huge:
    """The key of a certificate that nobody has the private part of."""

    def __init__(self, modulus: int, exponent: int = 65537) -> None:
        self._numbers = RSAPublicNumbers(exponent, modulus)

    def public_key(self) -> RSAPublicKey:
        return self._numbers.public_key()


def nc(*names: str) -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.NameConstraints([x509.DNSName(name) for name in names], None), True)]


def deep(levels: int) -> bytes:
    """A path with this many authorities below the root."""
    authorities = [marks.root()]
    for level in range(levels):
        authorities.append(marks.authority(f"Level {level}", 20 + level, authorities[-1]))
    return pem(mark(authorities[-1]), *reversed(authorities))


def with_ca(**options: Any) -> bytes:
    """A path whose issuing authority differs."""
    ca = marks.authority("Example Mark CA", 2, marks.root(), **options)
    return chain(mark(ca), ca)


def raw(leaf: Made, old: bytes, new: bytes) -> bytes:
    """A file in which octets of the certificate are others, which breaks its signature at least."""
    octets = leaf.certificate.public_bytes(Encoding.DER)
    assert octets.count(old) == 1
    text = base64.encodebytes(octets.replace(old, new))
    return b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n" + marks.issuing().pem


def image(**options: Any) -> bytes:
    return chain(mark(logo=logotype(logo_image(**options))))


EVIL = LOGO.replace(b"<circle", b"<script>1</script><circle")

MUTANTS: dict[str, tuple[Callable[[], bytes], set[Code]]] = {
    "nothing": (lambda: b"", {Code.MARK_PEM}),
    "text": (lambda: b"hello", {Code.MARK_PEM}),
    "no base64": (lambda: b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", {Code.MARK_PEM}),
    "no DER": (lambda: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", {Code.MARK_PEM}),
    "DER instead of PEM": (lambda: mark().certificate.public_bytes(Encoding.DER), {Code.MARK_PEM}),
    "a file without end": (lambda: chain(mark()) + b"\n" * certificate.MOST, {Code.MARK_SIZE}),
    "many certificates": (lambda: chain(mark()) + marks.root().pem * 8, {Code.MARK_CERTIFICATES}),
    "authorities only": (lambda: pem(marks.issuing(), marks.root()), {Code.MARK_NO_LEAF}),
    "a mark certificate that is an authority": (
        lambda: chain(mark(more=[(x509.BasicConstraints(ca=True, path_length=None), True)])),
        {Code.MARK_NO_LEAF},
    ),
    "two mark certificates": (lambda: chain(mark(), mark(serial=2), marks.issuing()), {Code.MARK_LEAVES}),
    "issued by itself": (
        lambda: pem(
            Made(
                marks.issue(
                    marks.subject("x"),
                    marks.key(3),
                    None,
                    [(extension.value, extension.critical) for extension in mark().certificate.extensions],
                ).certificate,
                None,
            )
        ),
        {Code.MARK_ROOT},
    ),
    "issued under another root": (lambda: chain(mark(other_root()), other_root()), {Code.MARK_ROOT}),
    "the issuing authority is missing": (lambda: pem(mark(), marks.root()), {Code.MARK_ROOT}),
    "signed with another key": (lambda: chain(mark(signed_by=marks.key(66))), {Code.MARK_SIGNATURE}),
    "the issuing authority signed with another key": (lambda: with_ca(signed_by=marks.key(66)), {Code.MARK_SIGNATURE}),
    "an authority with the name of ours": (lambda: chain(mark(hidden(marks.issuing()))), {Code.MARK_SIGNATURE}),
    "expired": (lambda: chain(mark(valid=(-30, -1))), {Code.MARK_EXPIRED}),
    "not yet valid": (lambda: chain(mark(valid=(1, 30))), {Code.MARK_NOT_YET_VALID}),
    "the issuing authority expired": (lambda: with_ca(valid=(-900, -1)), {Code.MARK_EXPIRED}),
    "the issuing authority is not yet valid": (lambda: with_ca(valid=(1, 900)), {Code.MARK_NOT_YET_VALID}),
    "the issuer may not sign": (lambda: with_ca(signs=False), {Code.MARK_PATH}),
    "an authority below one that allows none": (
        lambda: (lambda ca: chain(mark(sub := marks.authority("Sub", 4, ca)), sub, ca))(
            marks.authority("Top", 3, marks.root(), constraints=x509.BasicConstraints(ca=True, path_length=0))
        ),
        {Code.MARK_PATH},
    ),
    "a name that the authority may not issue": (lambda: with_ca(more=nc("example.net")), {Code.MARK_PATH}),
    "a path that is too long": (lambda: deep(5), {Code.MARK_PATH}),
    "an extension that is critical and unknown": (
        lambda: chain(mark(more=[(marks.UNKNOWN, True)])),
        {Code.MARK_PATH},
    ),
    "a small RSA key": (lambda: chain(mark(private=marks.rsa_key(1024))), {Code.MARK_KEY}),
    "the issuer has a small RSA key": (lambda: with_ca(private=marks.rsa_key(1024)), {Code.MARK_KEY}),
    "a huge RSA key": (lambda: chain(mark(private=Huge(2**16384 - 3))), {Code.MARK_KEY}),
    "a huge exponent": (lambda: chain(mark(private=Huge(2**2048 - 3, 2**64 + 1))), {Code.MARK_KEY}),
    "a negative serial number": (
        lambda: raw(mark(serial=0x123456), b"\x02\x03\x12\x34\x56", b"\x02\x03\x92\x34\x56"),
        {Code.MARK_PEM},
    ),
    "no purpose": (lambda: chain(mark(purposes=None)), {Code.MARK_PURPOSE}),
    "another purpose": (lambda: chain(mark(purposes=[CLIENT_AUTH])), {Code.MARK_PURPOSE}),
    "any purpose": (lambda: chain(mark(purposes=[ANY])), {Code.MARK_PURPOSE}),
    "the issuer without purpose": (lambda: with_ca(purposes=None), {Code.MARK_ISSUER_PURPOSE}),
    "the issuer with any purpose": (lambda: with_ca(purposes=[ANY]), {Code.MARK_ISSUER_PURPOSE}),
    "issued by a root": (lambda: chain(mark(marks.root()), marks.root()), {Code.MARK_ISSUER_PURPOSE}),
    "no names": (lambda: chain(mark(names=None)), {Code.MARK_NAMES, Code.MARK_DOMAIN}),
    "very many names": (
        lambda: chain(mark(names=[f"a{n}.example" for n in range(5000)] + ["example.com"])),
        {Code.MARK_NAMES, Code.MARK_DOMAIN},
    ),
    "another domain": (lambda: chain(mark(names=["example.net"])), {Code.MARK_DOMAIN}),
    "names that are none": (lambda: chain(mark(names=["-", "*"])), {Code.MARK_DOMAIN}),
    "no SCT": (lambda: chain(mark(sct=None)), {Code.MARK_SCT}),
    "an empty list of SCTs": (lambda: chain(mark(sct=marks.sct_list(0))), {Code.MARK_SCT}),
    "a broken list of SCTs": (lambda: chain(mark(sct=b"\4\2\0\5")), {Code.MARK_SYNTAX}),
    "no CRL": (lambda: chain(mark(crl=None)), {Code.MARK_CRL}),
    "no logo": (lambda: chain(mark(logo=None)), {Code.MARK_LOGOTYPE}),
    "the logo twice as extension": (
        lambda: raw(
            mark(more=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.77"), logotype()), False)]),
            b"\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x4d",
            b"\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x0c",
        ),
        {Code.MARK_SYNTAX},
    ),
    "a critical logo": (lambda: chain(mark(logo_critical=True)), {Code.MARK_PATH, Code.MARK_LOGOTYPE_CRITICAL}),
    "two images": (lambda: chain(mark(logo=logotype(logo_image(), logo_image()))), {Code.MARK_LOGOTYPE_COUNT}),
    "no image": (lambda: chain(mark(logo=der(0x30, der(0xA2, der(0xA0, der(0x30)))))), {Code.MARK_LOGOTYPE_COUNT}),
    "the logo of the issuer alone": (
        lambda: chain(mark(logo=der(0x30, der(0xA1, der(0xA0, der(0x30, logo_image())))))),
        {Code.MARK_LOGOTYPE_COUNT},
    ),
    "the logo of the subject twice": (
        lambda: chain(mark(logo=der(0x30, logotype()[4:] * 2))),
        {Code.MARK_LOGOTYPE_COUNT},
    ),
    "an indirect logo": (
        lambda: chain(mark(logo=der(0x30, der(0xA2, der(0xA1, der(0x30)))))),
        {Code.MARK_LOGOTYPE_URI},
    ),
    "a logo at an address": (lambda: image(uris=[b"http://a.example/logo.svg"]), {Code.MARK_LOGOTYPE_URI}),
    "a logo nowhere": (lambda: image(uris=[]), {Code.MARK_LOGOTYPE_URI}),
    "an image of another type": (lambda: image(media=b"image/png"), {Code.MARK_LOGOTYPE_MEDIA}),
    "data of another type": (
        lambda: image(uris=[data_uri(gzip.compress(LOGO), "image/png")]),
        {Code.MARK_LOGOTYPE_MEDIA},
    ),
    "a logo without compression": (lambda: image(uris=[data_uri(LOGO)]), {Code.MARK_LOGOTYPE_PLAIN}),
    "data without base64": (lambda: image(uris=[b"data:image/svg+xml," + LOGO]), {Code.MARK_LOGOTYPE_SYNTAX}),
    "broken base64": (lambda: image(uris=[b"data:image/svg+xml;base64,A"]), {Code.MARK_LOGOTYPE_SYNTAX}),
    "another hash": (lambda: image(digests=[(marks.SHA256, bytes(32))]), {Code.MARK_LOGOTYPE_HASH}),
    "one hash of two": (
        lambda: image(digests=[(marks.SHA256, hashlib.sha256(LOGO).digest()), (marks.SHA1, bytes(20))]),
        {Code.MARK_LOGOTYPE_HASH},
    ),
    "a hash of an unknown kind": (lambda: image(digests=[("2a03", b"x")]), {Code.MARK_LOGOTYPE_HASH}),
    "no hash": (lambda: image(digests=[]), {Code.MARK_LOGOTYPE_HASH}),
    "a logotype that is no DER": (lambda: chain(mark(logo=b"\x30\x80\0\0")), {Code.MARK_LOGOTYPE_SYNTAX}),
    "a logotype that is cut off": (lambda: chain(mark(logo=logotype()[:-1])), {Code.MARK_LOGOTYPE_SYNTAX}),
    "a logo with a script": (lambda: image(logo=EVIL), {Code.SVG_SCRIPT}),
    "a logo that is a bomb": (lambda: image(uris=[data_uri(gzip.compress(bytes(10**7)))]), {Code.SVG_SIZE}),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_what_is_wrong_has_a_reason_of_its_own(name: str) -> None:
    make, expected = MUTANTS[name]
    octets = make()
    began = time.process_time()
    found = check(octets)
    assert time.process_time() - began < 1
    assert set(codes(found)) == expected
    assert found.value is None
    assert all(problem.detail.isprintable() and len(problem.detail) < 400 for problem in found.problems)


# --- bounds ----------------------------------------------------------------------------------------------------------


def seconds(octets: bytes, **options: Any) -> tuple[float, Checked[Evidence]]:
    began = time.process_time()
    found = check(octets, **options)
    return time.process_time() - began, found


def test_ten_thousand_certificates_and_names_cost_little() -> None:
    spent, found = seconds(pem(*[mark()] * 10_000))
    assert spent < 0.5
    assert codes(found) == [Code.MARK_SIZE]
    for label in (b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE"):
        spent, found = seconds(pem(*[mark()] * 10_000).replace(b"CERTIFICATE", label), most=10**8)
        assert spent < 0.5
        assert codes(found) == [Code.MARK_CERTIFICATES]
    many = mark(names=[f"{n}.example" for n in range(10_000)])
    spent, found = seconds(chain(many), most=10**7)
    assert spent < 2
    assert Code.MARK_NAMES in codes(found)


def test_authorities_that_all_issue_each_other_end() -> None:
    # Every one may be the issuer of every other: the paths are many, none reaches a root
    private = marks.rsa_key(4096)
    name = marks.authority("Loop", 0, private=private)
    loops = [marks.authority("Loop", 0, name, private=private, serial=n) for n in range(1, 8)]
    spent, found = seconds(pem(mark(loops[0]), *loops))
    assert spent < 2
    assert codes(found) == [Code.MARK_ROOT]


def test_names_and_constraints_on_them_do_not_multiply() -> None:
    ca = marks.authority("Example Mark CA", 2, marks.root(), more=nc(*[f"{n}.example" for n in range(3000)]))
    spent, found = seconds(pem(mark(ca, names=[f"a.{n}.example" for n in range(3000)]), ca))
    assert spent < 2
    assert Code.MARK_NAMES in codes(found)


def test_damage_at_every_offset_is_refused_and_never_raises() -> None:
    leaf, rest = mark().certificate, marks.issuing().pem
    octets, signed, generator = leaf.public_bytes(Encoding.DER), leaf.tbs_certificate_bytes, random.Random(7)
    for offset in range(len(octets)):
        broken = bytearray(octets)
        broken[offset] ^= 1 << generator.randrange(8)
        text = base64.encodebytes(bytes(broken))
        found = check(b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n" + rest)
        # Behind what is signed there are octets without a meaning
        assert (found.value is None and found.problems) or signed in broken, offset


def test_a_logotype_that_is_damaged_at_every_offset_never_raises() -> None:
    octets, generator = logotype(), random.Random(8)
    refused = 0
    for offset in range(len(octets)):
        broken = bytearray(octets)
        broken[offset] = generator.randrange(256)
        refused += check(chain(mark(logo=bytes(broken)))).value is None
    # Some octets say nothing: the file name and time in gzip, the parameters of a hash function
    assert refused > len(octets) * 0.9


# --- what the caller gives -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"author_domain": "-"}, "give domain names"),
        ({"organizational_domain": "a..b"}, "give domain names"),
        ({"selector": "a b"}, "give domain names"),
        ({"now": NOW.replace(tzinfo=None)}, "no time zone"),
        ({"now": 10**14}, "years 1 to 9999"),
        ({"now": "today"}, "aware datetime"),
        ({"roots": []}, "give certificates"),
        ({"roots": ["roots.pem"]}, "give certificates"),
    ],
)
def test_what_is_no_domain_or_time_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check(chain(mark()), **options)


def test_roots_are_read_from_a_file() -> None:
    assert path.read_roots(marks.root().pem) == (marks.root().certificate,)
    for octets, words in ((b"", "cannot be read"), (mark().pem, "no certificate of an authority")):
        with pytest.raises(UsageError, match=words):
            path.read_roots(octets)


def test_a_certificate_may_be_trusted_itself() -> None:
    leaf = mark(other_root())
    assert check(pem(leaf), roots=[leaf.certificate]).value is not None


def test_the_time_may_be_a_number() -> None:
    assert check(chain(mark()), now=NOW.timestamp()).value is not None


def test_the_roots_that_come_with_it_are_those_of_the_list() -> None:
    listed = (Path(path.__file__).with_name("SOURCES.md")).read_text(encoding="utf-8")
    roots = path.shipped_roots()
    rows = re.findall(r"\| `([0-9a-f]{64})` \| (.+?) \| (.+?) \|", listed)
    assert rows == [
        (
            hashlib.sha256(root.public_bytes(Encoding.DER)).hexdigest(),
            path.name_of(root.subject),
            f"{root.not_valid_after_utc:%Y-%m-%d}",
        )
        for root in roots
    ]
    assert all(root.not_valid_after_utc > NOW for root in roots)
    assert codes(certificate.check(chain(mark()), author_domain="example.com", now=NOW)) == [Code.MARK_ROOT]


def test_what_is_found_is_plain_data() -> None:
    found = check(chain(mark()))
    assert isinstance(found.value, Evidence)
    assert isinstance(found.value.indicator, Indicator)
