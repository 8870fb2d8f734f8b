"""Look-alikes: any names to protect, any display name and address.

The first line has the names to protect, the second the display name, the third the address.
"""

from __future__ import annotations

from contextlib import suppress

from mailauth import UsageError, names
from mailauth.lookalike import Finding, Kind, Protected, find, find_in_author

USUAL = Protected(["example.com", "example.co.uk", "sparfuchs", "coca-cola.com", "xn--bcher-kva.de", "abc.com"])
MOST = 20  # names to protect
TOKENS = (
    b"\n", b" ", b".", b"-", b"@", b"=", b"xn--", b"example", b"examp1e", b"exarnple", b"exannple", b"sparfuchs",
    b"login", b"secure", b".com", b".co.uk", b".de", b"rn", b"vv", b"cl", b"nn", b"0", b"1", b"3", b"xn--exmple-cua",
    b"xn--bcher-kva", "\u0430".encode(), "\u03b8".encode(), "\u00e9".encode(), "e\u0301".encode(), "\u200d".encode(),
    "\ufdfa".encode(), "\U0001d41a".encode(), "\u0130".encode(), "\u3002".encode(), b"\xff", b"\0",
)  # fmt: skip


def imitations(data: bytes) -> None:
    """Run one input."""
    first, _, rest = data.decode("utf-8", "surrogateescape").partition("\n")
    display_name, _, address = rest.partition("\n")
    protected = USUAL
    if first:
        with suppress(UsageError):
            protected = Protected(first.split()[:MOST])
    assert Protected(protected.names) == protected
    domain = address.rpartition("@")[2]
    of_domain, of_author = find(domain, protected, 0), find_in_author(display_name, address, protected, 0)
    best = {each.protected: each.score for each in of_author}
    for found in (of_domain, of_author):
        assert list(found) == sorted(found, key=lambda each: (-each.score, each.protected))
        assert len({each.protected for each in found}) == len(found) <= len(protected.names)
        for each in found:
            check(each, protected)
    assert all(best[each.protected] >= each.score for each in of_domain)
    assert find(domain, protected) == tuple(each for each in of_domain if each.score >= 70)
    # what is ours imitates nothing
    for name in protected.names:
        if "." in name:
            assert find(name, protected, 0) == ()
            assert find(f"exarnple.{name}", protected, 0) == ()
            assert find_in_author(display_name, f"{display_name}@{name}", protected, 0) == ()
    ours = names.to_ascii(domain)
    if ours and any(ours == name or ours.endswith("." + name) for name in protected.names if "." in name):
        assert of_author == ()


def check(each: Finding, protected: Protected) -> None:
    """Hold one finding to what it says."""
    assert each.protected in protected.names or each.protected in {names.to_unicode(name) for name in protected.names}
    assert 0 <= each.score <= 100
    assert isinstance(each.kind, Kind)
    assert each.why
    assert each.why.isprintable()
