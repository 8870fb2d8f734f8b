"""Which code and which tests answer the rules of the RFCs: citations collected from both, and a page made of them.

`python tests/rfc_coverage.py` writes `docs/rfc-coverage.md`. The rules themselves are in `rfc_requirements.toml`.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mailauth"
TESTS = ROOT / "tests"
PAGE = ROOT / "docs" / "rfc-coverage.md"

TITLES = {
    7208: "SPF",
    6376: "DKIM",
    8058: "One-click unsubscription",
    8301: "DKIM, cryptography",
    8463: "DKIM, Ed25519",
    8601: "Authentication-Results",
    8617: "ARC",
    9989: "DMARC",
    9990: "DMARC, aggregate reports",
}

# --- what a text cites -----------------------------------------------------------------------------------------------

_NUMBER = r"(?:[0-9]+|[A-Z])(?:\.[0-9]+)*"
# What is no RFC, and has sections too. "BIMI" is draft-brand-indicators-for-message-identification
_OTHER = r"WCAG [0-9.]+|SVG Tiny [0-9.]+|X\.690|draft-[a-z0-9-]+|BIMI(?= §)"
_MARK = re.compile(
    r"RFC (?P<rfc>[0-9]+)|(?<=[0-9], )(?P<also>[0-9]{4})\b|(?<=[0-9] and )(?P<last>[0-9]{4})\b"
    rf"|(?P<other>{_OTHER})|(?P<to> to )?§(?P<section>{_NUMBER})"
)
# Other ways to cite; none of them is used
_SLOPPY = re.compile(
    r"RFC[-_]?[0-9]|RFC\s{2,}[0-9]|RFC [0-9]+,? ?[Ss]ec|[Ss]ections? [0-9]|\b[Ss]ec\. ?[0-9]|§(?![0-9A-Z])|§§"
    r"|RFC [0-9]+ [0-9]+\.[0-9]|\bRfc ?[0-9]|[a-z0-9)]§"
)
# What a program of others says, and is recognised by
_QUOTED = "Unexpected characters in RFC822 header"


def cited(text: str) -> list[tuple[int, str]]:
    """Return what a text cites, as (RFC, section): a section belongs to the RFC named before it."""
    found: list[tuple[int, str]] = []
    rfc = 0
    whole = False
    for match in _MARK.finditer(re.sub(r"\s+", " ", text)):
        if match["other"]:
            rfc, whole = 0, False
            continue
        if number := match["rfc"] or (rfc and (match["also"] or match["last"])):
            if whole:
                found.append((rfc, ""))
            rfc, whole = int(number), True
        elif (section := match["section"]) and rfc:
            sections = through(found[-1][1], section)[1:] if match["to"] and found else [section]
            found += [(rfc, each) for each in sections]
            whole = False
    if whole:
        found.append((rfc, ""))
    return found


def through(first: str, last: str) -> list[str]:
    """Return the sections from one to another of the same parent."""
    head, dot, start = first.rpartition(".")
    return [f"{head}{dot}{n}" for n in range(int(start), int(last.rpartition(".")[2]) + 1)]


def sloppy(text: str) -> str | None:
    """Return what in a text cites in another form than `RFC 7208 §4.6.4`, a § before any RFC is named included."""
    mark, named = text.find("§"), re.search(rf"RFC [0-9]|{_OTHER}", text)
    if mark >= 0 and (named is None or named.start() > mark):
        return text[mark : mark + 10]
    match = _SLOPPY.search(text.replace(_QUOTED, ""))
    return match[0] if match else None


# --- where it cites --------------------------------------------------------------------------------------------------


class Span(NamedTuple):
    """The lines of a class, function or constant, decorators included."""

    first: int
    last: int
    name: str


def spans(body: list[ast.stmt], prefix: str = "") -> Iterator[Span]:
    """Yield the classes, functions and constants of a module, and of its classes."""
    for node in body:
        first = node.lineno
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                first = min([first, *(d.lineno for d in node.decorator_list)])
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case _:
                continue
        yield Span(first, node.end_lineno or first, prefix + name)
        if isinstance(node, ast.ClassDef):
            yield from spans(node.body, f"{prefix}{name}.")


class Text(NamedTuple):
    """A comment block or a string, with the name of what it belongs to, or ""; `data` is any string but a docstring."""

    owner: str
    text: str
    data: bool = False


def texts(source: str) -> Iterator[Text]:
    """Yield every comment block and every string of a module."""
    tree = ast.parse(source)
    owners = list(spans(tree.body))

    def around(line: int) -> str:
        inside = [(s.last - s.first, s.name) for s in owners if s.first <= line <= s.last]
        return min(inside)[1] if inside else ""

    for first, after, text in _comments(source):
        below = next((s.name for s in owners if s.first == after), "")
        yield Text(below or around(first), text)
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield Text(around(node.lineno), node.value, node not in docstrings)


def _comments(source: str) -> Iterator[tuple[int, int, str]]:
    """Yield each block of comment lines: its first line, the line below it, and its text; 0 is below one after code."""
    first, after, words = 0, 0, ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line, text = token.start[0], token.string.lstrip("# ")
        if token.line[: token.start[1]].strip():
            yield line, 0, text
        elif line == after:
            after, words = line + 1, f"{words} {text}"
        else:
            yield first, after, words
            first, after, words = line, line + 1, text
    yield first, after, words


# --- what is there ---------------------------------------------------------------------------------------------------


class Citation(NamedTuple):
    """What a place cites; `section` is empty for an RFC as a whole."""

    rfc: int
    section: str
    place: str
    data: bool


def order(section: str) -> tuple[tuple[int, str], ...]:
    """Return the key that sorts sections as the table of contents does."""
    return tuple((int(p), "") if p.isdigit() else (10_000, p) for p in section.split(".") if p)


def modules() -> Iterator[tuple[str, str]]:
    """Yield the dotted name, without `mailauth`, and the source of every module of the package."""
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(p for p in parts if p != "__init__"), path.read_text(encoding="utf-8")


def in_code() -> list[Citation]:
    """Return every citation of the package."""
    return _citations(
        (f"{module}.{text.owner}".strip(".") or "mailauth", text)
        for module, source in modules()
        for text in texts(source)
    )


def in_tests() -> list[Citation]:
    """Return every citation of a test function."""
    return _citations(
        (f"{path.relative_to(TESTS).as_posix()}::{text.owner}", text)
        for path in TESTS.rglob("test_*.py")
        if path.name != "test_rfc_coverage.py"
        for text in texts(path.read_text(encoding="utf-8"))
        if text.owner.startswith("test_")
    )


def _citations(found: Iterable[tuple[str, Text]]) -> list[Citation]:
    each = {Citation(rfc, section, place, text.data) for place, text in found for rfc, section in cited(text.text)}
    return sorted(each, key=lambda c: (c.rfc, order(c.section), c.place))


def by_section(citations: Iterable[Citation]) -> dict[tuple[int, str], list[str]]:
    """Return the places that cite each section."""
    found: dict[tuple[int, str], dict[str, None]] = defaultdict(dict)
    for citation in citations:
        found[citation.rfc, citation.section][citation.place] = None
    return {key: list(places) for key, places in found.items()}


# --- what is asked ---------------------------------------------------------------------------------------------------

_DATA = tomllib.loads((TESTS / "rfc_requirements.toml").read_text(encoding="utf-8"))


def _rules(kind: str) -> dict[tuple[int, str], list[str]]:
    return {(int(rfc), s): rules for rfc, sections in _DATA[kind].items() for s, rules in sections.items()}


# Rules that code answers, and those that it does not, by (RFC, section)
RULES, ELSEWHERE = _rules("rules"), _rules("elsewhere")
# The sections that an RFC has
SECTIONS = {
    int(rfc): {s for item in text.split() for s in (through(*item.split("-")) if "-" in item else [item])}
    for rfc, text in _DATA["sections"].items()
}

# --- the page --------------------------------------------------------------------------------------------------------

_HEAD = """\
<!-- Generated by `python tests/rfc_coverage.py` from comments and tests/rfc_requirements.toml: do not change it. -->

# RFC coverage

What the RFCs ask of a receiver, and of a signer and sealer, the code that does it, and the tests that prove it.
Rules are in our own words; MUST and SHOULD have the force that the RFC gives them, \
and a rule without either decides a verdict all the same.
Rules for other senders and for publishers of records are left out.
Code and tests are what cites the section, and are in the first row of each.
Where the code column is a dash, the rule says why: it is the caller's, or it is answered otherwise.
A choice is a point that the RFC leaves open; [Decisions](decisions.md) explains it.
Names of code are relative to `mailauth`, names of tests to `tests`.
"""


def render() -> str:
    """Return the page."""
    code, tests = by_section(in_code()), by_section(in_tests())
    # What only tells of a rule, as a reason does, does not answer it
    answers = code | by_section(c for c in in_code() if not c.data)
    parts = [_HEAD]
    for rfc, title in TITLES.items():
        parts.append(f"\n## {title}: RFC {rfc}\n\n| section | rule | code | tests |\n|---|---|---|---|\n")
        for key in sorted({k for k in (*RULES, *ELSEWHERE) if k[0] == rfc}, key=lambda k: order(k[1])):
            section, where, proof = f"§{key[1]}", _names(answers.get(key, [])), _names(tests.get(key, []))
            for number, rule in enumerate(RULES.get(key, [])):
                parts.append(_row("", rule, "", "") if number else _row(section, rule, where, proof))
            parts += [_row(section, rule, "–", "") for rule in ELSEWHERE.get(key, [])]
    parts.append("\n## Every section cited in the code\n")
    last = 0
    for (rfc, section), places in code.items():
        if rfc != last:
            parts.append(f"\n### RFC {rfc}\n\n| section | cited in |\n|---|---|\n")
            last = rfc
        parts.append(_row(f"§{section}" if section else "as a whole", _names(places)))
    return "".join(parts)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _names(places: list[str]) -> str:
    return ", ".join(f"`{place}`" for place in places)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
