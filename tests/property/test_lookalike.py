"""What holds for every name that is found, and that imitations made by hand of every name are found."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from mailauth.lookalike import THRESHOLD, Finding, Kind, Protected, find, find_in_author

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SUFFIXES = st.sampled_from(["com", "net", "de", "co.uk", "test"])
CORES = st.from_regex(r"[a-z]{7,16}", fullmatch=True)
WORDS = st.sampled_from(["login", "secure", "mail", "support", "24", "konto"])
OURS = Protected(["example.com", "example.co.uk", "sparfuchs", "coca-cola.com", "wonderland.de", "abc.com"])
PIECES = st.sampled_from([
    *LETTERS, *"0135-.@ \0", "example", "sparfuchs", "coca", "cola", "wonderland", "abc", "login", "mail", ".com",
    ".de", "rn", "vv", "cl", "\u0430", "\u03b1", "\u00e9", "\u0301", "\u200d", "xn--", "xn--exmple-cua", "\ufdfa",
    "\ud800",
])  # fmt: skip
NEAR_MISSES = st.lists(PIECES, max_size=8).map("".join)
# Cyrillic letters that UTS #39 has as confusable with these
CYRILLIC = dict(zip("aceopxysij", "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0455\u0456\u0458", strict=True))


def steps(one: str, other: str) -> int:
    """Return the distance by Damerau: insertions, deletions, replacements, swaps of neighbours."""
    rows = [[i + j if not i * j else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            ways = [rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (one[i - 1] != other[j - 1])]
            if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
                ways.append(rows[i - 2][j - 2] + 1)
            rows[i][j] = min(ways)
    return rows[-1][-1]


def best(domain: str, protected: Protected) -> Finding:
    found = find(domain, protected)
    assert found, domain
    return found[0]


@given(name=NEAR_MISSES, local=NEAR_MISSES, domain=st.one_of(NEAR_MISSES, st.text()))
def test_any_author(name: str, local: str, domain: str) -> None:
    for found in (find(domain, OURS, 0), find_in_author(name, f"{local}@{domain}", OURS, 0)):
        assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
        for each in found:
            assert each.protected in OURS.names
            assert 0 <= each.score <= 100
            assert each.why.isprintable()
    assert set(find(domain, OURS)) == {each for each in find(domain, OURS, 0) if each.score >= THRESHOLD}


@given(below=st.lists(st.from_regex(r"[a-z0-9]{1,9}", fullmatch=True), max_size=4), ours=st.sampled_from(OURS.names))
def test_what_is_ours_imitates_nothing(below: list[str], ours: str) -> None:
    assume("." in ours)
    domain = ".".join((*below, ours))
    assert find(domain, OURS, 0) == ()
    assert find_in_author("Sparfuchs", f"abc.com@{domain}", OURS, 0) == ()


@given(core=CORES, suffix=SUFFIXES, place=st.integers(0, 15), letter=st.sampled_from(LETTERS))
def test_every_slip_is_found(core: str, suffix: str, place: int, letter: str) -> None:
    ours, at = Protected([f"{core}.{suffix}"]), place % len(core)
    slips = {
        core[:at] + letter + core[at:],
        core[:at] + letter + core[at + 1 :],
        core[:at] + core[at + 1 :],
        core[:at] + core[at + 1 : at + 2] + core[at : at + 1] + core[at + 2 :],
    }
    for written in slips - {core}:
        found = best(f"{written}.{suffix}", ours)
        assert found.protected == f"{core}.{suffix}"
        if found.kind is Kind.SLIP:
            assert steps(written, core) == 1


@given(core=CORES, places=st.sets(st.integers(0, 15), min_size=1))
def test_letters_of_another_script_are_found(core: str, places: set[int]) -> None:
    written = "".join(CYRILLIC.get(c, c) if i in places else c for i, c in enumerate(core))
    assume(written != core)
    for label in (written, "xn--" + written.encode("punycode").decode()):
        found = best(f"{label}.com", Protected([f"{core}.com"]))
        assert found.kind is Kind.SCRIPT
        assert "Cyrillic" in found.why


@given(core=CORES, swap=st.sampled_from([("m", "rn"), ("w", "vv"), ("d", "cl"), ("o", "0"), ("l", "1")]))
def test_shapes_within_ascii_are_found(core: str, swap: tuple[str, str]) -> None:
    letter, shape = swap
    assume(letter in core)
    ours = Protected([f"{core}.com"])
    assert best(f"{core.replace(letter, shape)}.com", ours).score >= best(f"{core}x.com", ours).score


@given(core=CORES, word=WORDS, joint=st.sampled_from(["", "-"]), before=st.booleans())
def test_words_beside_a_name_are_found(core: str, word: str, joint: str, *, before: bool) -> None:
    label = f"{word}{joint}{core}" if before else f"{core}{joint}{word}"
    found = best(f"{label}.test", Protected([f"{core}.com"]))
    # "mail" beside a name of letters that look like it is more than that
    assert found.kind is Kind.WORDS or steps(label, core) == 1


@given(core=CORES, suffix=SUFFIXES, above=st.from_regex(r"[a-z]{3,9}", fullmatch=True))
def test_a_domain_in_another_is_found(core: str, suffix: str, above: str) -> None:
    ours = Protected([f"{core}.{suffix}"])
    assert best(f"{core}.{suffix}.{above}.org", ours).kind is Kind.SUBDOMAIN
    assert best(f"{core}.{suffix}.{above}.org", ours).score >= 90
