"""Which code and which tests answer the rules of the RFCs: citations collected, requirements listed, page rendered.

`python tests/rfc_coverage.py` writes `docs/rfc-coverage.md`; `tests/test_rfc_coverage.py` holds everything to the code.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mailauth"
TESTS = ROOT / "tests"
PAGE = ROOT / "docs" / "rfc-coverage.md"

# --- the sections that exist -----------------------------------------------------------------------------------------

# Section numbers of every RFC that is cited by section; empty for one that is cited as a whole
SECTIONS: dict[int, frozenset[str]] = {
    rfc: frozenset(numbers.split())
    for rfc, numbers in {
        1034: (
            "1 2 2.1 2.2 2.3 2.4 3 3.1 3.2 3.3 3.4 3.5 3.6 3.6.1 3.6.2 3.7 3.7.1 3.7.2 3.8 4 4.1 4.2 4.2.1 4.2.2 "
            "4.3 4.3.1 4.3.2 4.3.3 4.3.4 4.3.5 5 5.1 5.2 5.2.1 5.2.2 5.2.3 5.3 5.3.1 5.3.2 5.3.3 6 6.1 6.2 7"
        ),
        1035: (
            "1 2 2.1 2.2 2.3 2.3.1 2.3.2 2.3.3 2.3.4 3 3.1 3.2 3.2.1 3.2.2 3.2.3 3.2.4 3.2.5 3.3 3.3.9 3.4 3.5 4 4.1 "
            "4.1.1 4.1.2 4.1.3 4.1.4 4.2 4.2.1 4.2.2 5 5.1 5.2 5.3 6 7"
        ),
        3849: "",
        1468: "",
        1554: "",
        2231: "1 2 3 4 4.1 5 6 7 8",
        1557: "",
        6891: "6.1.1 6.1.3 7",
        7686: "",
        3986: "",
        7858: "",
        2045: (
            "1 2 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.8 2.9 2.10 3 4 5 5.1 5.2 6 6.1 6.2 6.3 6.4 6.5 6.6 6.7 6.8 7 8 9 10 11"
        ),
        4007: "1 2 3 4 5 6 7 8 9 10 11 11.1 11.2 11.3 11.4 11.5 11.6 11.7 12 13",
        4155: "1 2 3 4 5 6 7 A",
        2047: "1 2 3 4 4.1 4.2 5 6 6.1 6.2 6.3 7 8 9 10 11 12",
        2181: "1 2 3 4 4.1 4.2 5 5.1 5.2 5.3 5.3.1 5.4 5.4.1 5.5 5.6 6 6.1 7 7.1 7.2 7.3 8 9 10 10.1 10.2 10.3 11 12",
        2308: "1 2 2.1 2.1.1 2.2 2.2.1 3 4 5 6 7 7.1 7.2 8 9 10 11",
        4035: "1 2 3 3.1 3.2 4 4.1 4.2 4.3 4.4 4.5 4.6 4.7 4.8 4.9 5 5.1 5.2 5.3 5.4 5.5 6 7 8",
        4592: ("1 1.1 1.2 1.3 1.4 2 2.1 2.1.1 2.1.2 2.1.3 2.2 2.2.1 2.2.2 2.2.3 2.3 3 3.1 3.2 3.3 3.3.1 3.3.2 3.3.3 4"),
        5321: (
            "1 1.1 1.2 1.3 2 2.1 2.2 2.2.1 2.2.2 2.2.3 2.3 2.3.1 2.3.2 2.3.3 2.3.4 2.3.5 2.3.6 2.3.7 2.3.8 2.3.9 "
            "2.3.10 2.3.11 2.4 3 3.1 3.2 3.3 3.4 3.5 3.5.1 3.5.2 3.5.3 3.5.4 3.6 3.6.1 3.6.2 3.6.3 3.7 3.7.1 "
            "3.7.2 3.7.3 3.7.4 3.7.5 3.8 3.9 3.9.1 3.9.2 4 4.1 4.1.1 4.1.1.1 4.1.1.2 4.1.1.3 4.1.1.4 4.1.1.5 "
            "4.1.1.6 4.1.1.7 4.1.1.8 4.1.1.9 4.1.1.10 4.1.1.11 4.1.2 4.1.3 4.1.4 4.1.5 4.2 4.2.1 4.2.2 4.2.3 "
            "4.2.4 4.2.5 4.3 4.3.1 4.3.2 4.4 4.5 4.5.1 4.5.2 4.5.3 4.5.3.1 4.5.3.1.1 4.5.3.1.2 4.5.3.1.3 "
            "4.5.3.1.4 4.5.3.1.5 4.5.3.1.6 4.5.3.1.7 4.5.3.1.8 4.5.3.1.9 4.5.3.1.10 4.5.3.2 4.5.3.2.1 4.5.3.2.2 "
            "4.5.3.2.3 4.5.3.2.4 4.5.3.2.5 4.5.3.2.6 4.5.3.2.7 4.5.4 4.5.4.1 4.5.4.2 4.5.5 5 5.1 5.2 6 6.1 6.2 "
            "6.3 6.4 7 7.1 7.2 7.3 7.4 7.5 7.6 7.7 7.8 7.9 8 9 10 10.1 10.2 A B C D D.1 D.2 D.3 D.4 E F F.1 F.2 "
            "F.3 F.4 F.5 F.6"
        ),
        5322: (
            "1 1.1 1.2 1.2.1 1.2.2 1.2.3 2 2.1 2.1.1 2.2 2.2.1 2.2.2 2.2.3 2.3 3 3.1 3.2 3.2.1 3.2.2 3.2.3 3.2.4 "
            "3.2.5 3.3 3.4 3.4.1 3.5 3.6 3.6.1 3.6.2 3.6.3 3.6.4 3.6.5 3.6.6 3.6.7 3.6.8 4 4.1 4.2 4.3 4.4 4.5 "
            "4.5.1 4.5.2 4.5.3 4.5.4 4.5.5 4.5.6 4.5.7 4.5.8 5 6 7 7.1 7.2 A B C"
        ),
        5737: "",
        5890: (
            "1 1.1 1.1.1 1.1.2 1.2 2 2.1 2.2 2.3 2.3.1 2.3.2 2.3.2.1 2.3.2.2 2.3.2.3 2.3.2.4 2.3.2.5 2.3.2.6 2.3.3 "
            "2.3.4 3 4 4.1 4.2 4.3 4.4 4.5 4.6 4.7 4.8 5 6 6.1 6.2"
        ),
        5891: (
            "1 2 3 3.1 3.2 3.2.1 3.2.2 4 4.1 4.2 4.2.1 4.2.2 4.2.3 4.2.3.1 4.2.3.2 4.2.3.3 4.2.3.4 4.2.4 4.3 4.4 "
            "4.5 5 5.1 5.2 5.3 5.4 5.5 5.6 6 7 8 9 10 10.1 10.2 A"
        ),
        6008: "1 2 3 4 5 6 6.1 6.2 6.3 7 7.1 7.2 A A.1 B",
        6376: (
            "1 1.1 1.2 1.3 1.4 1.5 2 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.8 2.9 2.10 2.11 3 3.1 3.2 3.3 3.3.1 3.3.2 "
            "3.3.3 3.3.4 3.4 3.4.1 3.4.2 3.4.3 3.4.4 3.4.5 3.5 3.6 3.6.1 3.6.2 3.6.2.1 3.6.2.2 3.7 3.8 3.9 3.10 "
            "3.11 4 4.1 4.2 5 5.1 5.2 5.3 5.3.1 5.4 5.4.1 5.4.2 5.5 5.6 6 6.1 6.1.1 6.1.2 6.1.3 6.2 6.3 7 7.1 7.2 "
            "7.3 7.4 7.5 7.6 7.7 7.8 7.9 7.10 8 8.1 8.2 8.3 8.4 8.5 8.6 8.7 8.8 8.9 8.10 8.11 8.12 8.13 8.14 8.15 "
            "9 9.1 9.2 A A.1 A.2 A.3 B B.1 B.1.1 B.1.2 B.1.3 B.1.4 B.2 B.2.1 B.2.2 B.2.3 C C.1 C.2 D E F"
        ),
        6532: "1 2 3 3.1 3.2 3.3 3.4 3.5 3.6 3.7 4 5 6 7 7.1 7.2",
        6840: "1 2 3 4 5 5.1 5.2 5.3 5.4 5.5 5.6 5.7 5.8 5.9 5.10 5.11 5.12 6",
        6854: "1 1.1 1.1.1 1.1.2 2 2.1 2.2 3 4 5 6 7 7.1 7.2",
        7208: (
            "1 1.1 1.1.1 1.1.2 1.1.3 1.1.4 1.2 2 2.1 2.2 2.3 2.4 2.5 2.6 2.6.1 2.6.2 2.6.3 2.6.4 2.6.5 2.6.6 "
            "2.6.7 3 3.1 3.2 3.3 3.4 3.5 4 4.1 4.2 4.3 4.4 4.5 4.6 4.6.1 4.6.2 4.6.3 4.6.4 4.7 4.8 5 5.1 5.2 5.3 "
            "5.4 5.5 5.6 5.7 6 6.1 6.2 7 7.1 7.2 7.3 7.4 8 8.1 8.2 8.3 8.4 8.5 8.6 8.7 9 9.1 9.2 10 10.1 10.1.1 "
            "10.1.2 10.1.3 10.2 10.3 11 11.1 11.2 11.3 11.4 11.5 11.5.1 11.5.2 11.5.3 11.6 11.7 12 13 14 14.1 "
            "14.2 14.3 15 15.1 15.2 A A.1 A.2 A.3 A.4 B C D D.1 D.2 D.3 E F G G.1 G.2 G.3 G.4"
        ),
        7489: (
            "1 2 2.1 2.2 2.3 2.4 3 3.1 3.1.1 3.1.2 3.1.3 3.2 4 4.1 4.2 4.3 5 6 6.1 6.2 6.3 6.4 6.5 6.6 6.6.1 "
            "6.6.2 6.6.3 6.6.4 6.6.5 6.7 7 7.1 7.2 7.2.1 7.2.1.1 7.2.1.2 7.2.2 7.3 7.3.1 8 9 9.1 9.2 10 10.1 10.2 "
            "10.3 10.4 10.5 11 11.1 11.2 11.3 11.4 11.5 12 12.1 12.2 12.3 12.4 12.5 12.6 13 13.1 13.2 A A.1 A.2 "
            "A.3 A.4 A.5 A.6 A.6.1 B B.1 B.1.1 B.1.2 B.2 B.2.1 B.2.2 B.2.3 B.2.4 B.3 B.3.1 B.4 B.5 C"
        ),
        7505: "1 2 3 4 4.1 4.2 5 6 7 7.1 7.2",
        8017: "1 2 3 3.1 3.2 4 4.1 4.2 5 5.1 5.2 6 7 8 9 A B C",
        8020: "1 1.1 2 3 3.1 3.2 4 5 6 7 8 8.1 8.2 A B",
        8301: "1 2 3 3.1 3.2 4 5 6 6.1 6.2",
        8463: "1 2 3 4 4.1 4.2 5 6 7 8 8.1 9 9.1 9.2 A A.1 A.2 A.3",
        8484: "",
        8601: (
            "1 1.1 1.2 1.3 1.4 1.5 1.5.1 1.5.2 1.5.3 1.5.4 1.5.5 1.6 2 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.7.1 2.7.2 "
            "2.7.3 2.7.4 2.7.5 2.7.6 2.7.7 3 4 4.1 4.2 5 6 6.1 6.2 6.3 6.3.1 6.3.2 6.4 6.5 6.6 6.7 6.8 7 7.1 7.2 "
            "7.3 7.4 7.5 7.6 7.7 7.8 7.9 7.10 7.11 8 8.1 8.2 A B B.1 B.2 B.3 B.4 B.5 B.6 B.7 C D"
        ),
        8616: "1 2 3 4 5 6 7 8 9",
        8617: (
            "1 2 2.1 2.2 2.3 2.4 3 3.1 3.2 3.3 3.4 3.5 3.6 3.7 3.8 3.9 4 4.1 4.1.1 4.1.2 4.1.3 4.1.4 4.2 4.2.1 "
            "4.3 4.4 5 5.1 5.1.1 5.1.2 5.1.3 5.1.4 5.1.5 5.2 5.2.1 5.2.2 6 7 7.1 7.1.1 7.1.2 7.1.3 7.2 7.2.1 "
            "7.2.2 8 9 9.1 9.2 9.3 9.4 9.5 10 10.1 10.2 10.3 10.4 11 11.1 11.2 11.3 11.3.1 11.3.2 11.3.3 11.3.4 "
            "12 12.1 12.2 A A.1 A.2 B"
        ),
        9091: (
            "1 1.1 1.2 2 2.1 2.2 2.3 2.4 2.5 2.6 2.7 3 3.1 3.2 3.3 3.4 3.5 3.6 3.7 4 5 6 7 7.1 7.2 A B B.1 B.2 "
            "B.3 C C.1 C.2"
        ),
        9989: (
            "1 2 2.1 2.2 2.3 2.4 3 3.1 3.2 3.2.1 3.2.2 3.2.3 3.2.4 3.2.5 3.2.6 3.2.7 3.2.8 3.2.9 3.2.10 3.2.10.1 "
            "3.2.10.2 3.2.11 3.2.12 3.2.13 3.2.14 3.2.15 3.2.16 3.2.17 3.2.18 4 4.1 4.2 4.3 4.4 4.4.1 4.4.2 4.4.3 "
            "4.5 4.6 4.7 4.8 4.9 4.10 4.10.1 4.10.2 5 5.1 5.1.1 5.1.2 5.1.3 5.1.4 5.1.5 5.1.6 5.1.7 5.1.8 5.2 5.3 "
            "5.3.1 5.3.2 5.3.3 5.3.4 5.3.5 5.3.6 5.3.7 5.3.8 5.3.9 5.4 6 7 7.1 7.2 7.3 7.4 8 9 9.1 9.2 9.3 9.4 "
            "9.5 10 10.1 10.2 11 11.1 11.2 11.3 11.4 11.5 11.6 11.7 11.8 12 12.1 12.2 A A.1 A.2 A.3 A.4 A.5 A.6 B "
            "B.1 B.1.1 B.1.2 B.2 B.2.1 B.2.2 B.2.3 B.2.4 B.2.5 B.3 B.3.1 B.4 B.4.1 B.4.2 B.4.3 B.5"
        ),
    }.items()
}

# --- citations -------------------------------------------------------------------------------------------------------


class Citation(NamedTuple):
    """One citation: where it stands, and what it names; `section` is empty for an RFC as a whole."""

    module: str
    owner: str
    rfc: int
    section: str

    @property
    def place(self) -> str:
        """The dotted name of what encloses the citation."""
        return f"{self.module}.{self.owner}" if self.owner else self.module


class Text(NamedTuple):
    """A comment block or a string of a module, and the function, class or constant it stands in."""

    module: str
    owner: str
    text: str


_NUMBER = r"(?:[0-9]+|[A-Z])(?:\.[0-9]+)*"
_MARK = re.compile(
    r"RFC (?P<rfc>[0-9]+)|(?<=[0-9], )(?P<also>[0-9]{4})\b|(?<=[0-9] and )(?P<last>[0-9]{4})\b"
    rf"|(?P<other>WCAG [0-9.]+)|(?P<to> to )?§(?P<section>{_NUMBER})"
)
# Other ways to cite; none of them is used
_SLOPPY = re.compile(
    r"RFC[-_]?[0-9]|RFC\s{2,}[0-9]|RFC [0-9]+,? ?[Ss]ec|[Ss]ections? [0-9]|\b[Ss]ec\. ?[0-9]|§(?![0-9A-Z])|§§"
    r"|RFC [0-9]+ [0-9]+\.[0-9]|\bRfc ?[0-9]|[a-z0-9)]§"
)
# What a program of others says, and is recognised by
QUOTED = frozenset({"Unexpected characters in RFC822 header"})


@cache
def _trees() -> dict[str, tuple[Path, ast.Module]]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path, ast.parse(path.read_text(encoding="utf-8"))
    return found


class _Owners:
    """Which function, class or top-level constant a line belongs to."""

    def __init__(self, tree: ast.Module) -> None:
        self.spans: list[tuple[int, int, str]] = []
        self._visit(tree, "")
        for node in tree.body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name):
                    self.spans.append((node.lineno, node.end_lineno or node.lineno, target.id))

    def _visit(self, node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                name = f"{prefix}.{child.name}" if prefix else child.name
                self.spans.append((child.lineno, child.end_lineno or child.lineno, name))
            self._visit(child, name)

    def owner(self, line: int) -> str:
        """Return the innermost owner of a line, empty for the module itself."""
        inside = [(end - start, name) for start, end, name in self.spans if start <= line <= end]
        return min(inside)[1] if inside else ""

    def behind(self, line: int) -> str:
        """Return what begins at a line."""
        return next((name for start, _, name in self.spans if start == line), "")


def texts() -> Iterator[Text]:
    """Yield every comment block and every string of the package."""
    for module, (path, tree) in _trees().items():
        owners = _Owners(tree)
        for first, last, text in _comments(path):
            yield Text(module, owners.owner(first) or owners.behind(last + 1), text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield Text(module, owners.owner(node.lineno), node.value)


def _comments(path: Path) -> Iterator[tuple[int, int, str]]:
    """Yield each block of comment lines: its first and last line, and its text."""
    block: list[tuple[int, str]] = []
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
    for token in tokens:
        if token.type != tokenize.COMMENT:
            continue
        line, text = token.start[0], token.string.lstrip("# ")
        alone = not token.line[: token.start[1]].strip()
        if block and (not alone or line != block[-1][0] + 1):
            yield block[0][0], block[-1][0], " ".join(t for _, t in block)
            block = []
        if alone:
            block.append((line, text))
        else:
            yield line, line, text
    if block:
        yield block[0][0], block[-1][0], " ".join(t for _, t in block)


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
            if match["to"] and found and found[-1][0] == rfc:
                found += [(rfc, each) for each in _between(found[-1][1], section)]
            found.append((rfc, section))
            whole = False
    if whole:
        found.append((rfc, ""))
    return found


def _between(first: str, last: str) -> list[str]:
    head, _, start = first.rpartition(".")
    other, _, end = last.rpartition(".")
    prefix = f"{head}." if head else ""
    return [f"{prefix}{n}" for n in range(int(start) + 1, int(end))] if head == other else []


def unbound(text: str) -> bool:
    """Whether a text has a section mark before any RFC (or other standard) is named."""
    mark, named = text.find("§"), re.search(r"RFC [0-9]|WCAG [0-9]", text)
    return mark >= 0 and (named is None or named.start() > mark)


def sloppy(text: str) -> str | None:
    """Return what in a text cites in another form than `RFC 7208 §4.6.4`."""
    if any(quoted in text for quoted in QUOTED):
        return None
    match = _SLOPPY.search(text)
    return match[0] if match else None


def citations() -> list[Citation]:
    """Return every citation of the package, each once."""
    found = {Citation(t.module, t.owner, rfc, section): None for t in texts() for rfc, section in cited(t.text)}
    return sorted(found, key=lambda c: (c.rfc, order(c.section), c.place))


def order(section: str) -> tuple[tuple[int, str], ...]:
    """Return the key that sorts sections as the table of contents does."""
    return tuple((int(p), "") if p.isdigit() else (10_000, p) for p in section.split(".") if p)


# --- what is there ---------------------------------------------------------------------------------------------------


@cache
def objects() -> frozenset[str]:
    """Return the dotted names of every module, class, function and constant of the package, without `mailauth.`."""
    names: set[str] = set()
    for module, (_, tree) in _trees().items():
        short = module.removeprefix("mailauth").removeprefix(".")
        names.add(short)
        names |= {f"{short}.{name}" if short else name for _, _, name in _Owners(tree).spans}
    return frozenset(names)


def module_of(name: str) -> str:
    """Return the module of a dotted name without `mailauth.`."""
    parts = name.split(".")
    candidates = (".".join(["mailauth", *parts[:k]]) for k in range(len(parts), -1, -1))
    return next(c for c in candidates if c in _trees())


@cache
def tests_of(file: str) -> frozenset[str]:
    """Return the names of the test functions of a file below `tests/`."""
    path = TESTS / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    )


# --- requirements ----------------------------------------------------------------------------------------------------


class Requirement(NamedTuple):
    """One rule for a receiver: what does it (`code`, the first is where it is cited) and what proves it (`tests`).

    Without code, `reason` says why it does not concern a library, or how it is answered otherwise; with code, it
    names the choice behind the answer.
    """

    rfc: int
    section: str
    rule: str
    code: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    reason: str = ""


def _rows(rfc: int, files: dict[str, str], *rows: tuple[str, ...]) -> Iterator[Requirement]:
    """Yield the rows of one RFC: section, rule, code, tests, reason; `files` are short names of test files."""
    for section, rule, *rest in rows:
        code, tests, reason = [*rest, "", "", ""][:3]
        named = tuple(files[short] + "::" + name for short, name in (t.split(":") for t in tests.split()))
        yield Requirement(rfc, section, rule, tuple(code.split()), named, reason)


_FILES = {
    "spf": "unit/spf/test_check.py",
    "macro": "unit/spf/test_macro.py",
    "record": "unit/spf/test_record.py",
    "suite": "conformance/test_spf.py",
    "must": "unit/test_rfc_musts.py",
    "dkim": "unit/dkim/test_verify.py",
    "sig": "unit/dkim/test_signature.py",
    "key": "unit/dkim/test_key.py",
    "tags": "unit/test_taglist.py",
    "msg": "unit/test_message.py",
    "canon": "property/test_canonical.py",
    "parsers": "property/test_parsers.py",
    "eval": "property/test_evaluation.py",
    "auth": "unit/test_authenticate.py",
    "apply": "unit/test_apply.py",
    "read": "unit/authres/test_parse.py",
    "write": "unit/authres/test_write.py",
    "forged": "unit/authres/test_forged.py",
    "iprev": "unit/test_iprev.py",
    "arc": "unit/arc/test_verify.py",
    "arcsuite": "conformance/test_arc.py",
    "check": "unit/dmarc/test_check.py",
    "walk": "unit/dmarc/test_discovery.py",
    "policy": "unit/dmarc/test_record.py",
    "dmarc": "conformance/test_dmarc.py",
    "names": "unit/test_names.py",
    "net": "unit/resolvers/test_dnspython.py",
    "limits": "unit/test_limits.py",
    "conn": "unit/test_connection.py",
    "results": "unit/test_results.py",
    "deadline": "unit/test_deadline.py",
    "story": "unit/explain/test_story.py",
}


# fmt: off
REQUIREMENTS: tuple[Requirement, ...] = (
    *_rows(7208, _FILES,
        ("2.4", "MUST check MAIL FROM where HELO was not decisive; null path: postmaster at the HELO name",
         "spf.check.check authenticate._compose",
         "spf:test_null_path_is_postmaster_at_helo spf:test_helo_identity auth:test_everything_at_once"),
        ("4", "MUST give the results of the described algorithm", "spf.check._Check.check_host",
         "suite:test_check_host eval:test_any_message_over_any_dns"),
        ("4.1", "must count DNS terms once for the whole tree, not per recursion", "spf.check._Check.count_term",
         "spf:test_the_counter_spans_the_tree"),
        ("4.3", "a malformed or single-label domain is none, without a query", "spf.check.check",
         "spf:test_no_domain_is_none_without_a_question spf:test_nothing_to_check_is_none"),
        ("4.3", "a single-label target of include or redirect is none, so permerror", "spf.check._Check.check_host",
         "spf:test_a_name_of_one_label_that_macros_make_is_no_domain"),
        ("4.3", "NXDOMAIN for the domain is none", "spf.check._Check.check_host", "spf:test_which_txt_is_the_record"),
        ("4.3", "MUST encode internationalized domains as A-labels", "spf.check.check names.to_ascii",
         "spf:test_u_labels_are_asked_as_a_labels names:test_normal_form"),
        ("4.3", "a sender without local part gets postmaster", "spf.check.check",
         "spf:test_without_local_part_it_is_postmaster"),
        ("4.4", "records are looked up as TXT only", "spf.check._Check.check_host",
         "spf:test_which_txt_is_the_record suite:test_check_host"),
        ("4.4", "another error than NXDOMAIN, or a time-out, is temperror", "spf.check._Check.require",
         "spf:test_no_answer_for_the_record_is_temperror"),
        ("4.5", "only records of exactly version v=spf1 count; none left is none, several are permerror",
         "spf.record.is_spf spf.check._Check.check_host",
         "record:test_what_is_an_spf_record spf:test_which_txt_is_the_record"),
        ("4.6", "syntax is judged first; an error anywhere is permerror",
         "spf.check._published spf.record.parse_record",
         "record:test_an_error_anywhere_is_an_error_of_the_record spf:test_which_txt_is_the_record"),
        ("4.6.1", "names of mechanisms and modifiers have no case", "spf.record.parse_record",
         "record:test_well_formed spf:test_which_txt_is_the_record"),
        ("4.6.1", "a modifier has = right behind its name, before any : or /", "spf.record.parse_record",
         "record:test_an_error_anywhere_is_an_error_of_the_record"),
        ("4.6.2", "left to right; the first match gives its qualifier, + by default", "spf.check._Check.check_host",
         ("spf:test_mechanisms_for_ipv4 spf:test_the_first_match_is_named "
         "record:test_the_default_qualifier_is_pass")),
        ("4.6.4", "MUST limit terms that cost DNS to 10; MUST return permerror beyond",
         "spf.check._Check.count_term limits.Limits",
         "spf:test_the_eleventh_term_is_an_error limits:test_the_bounds_of_the_rfcs"),
        ("4.6.4", "all, ip4, ip6 and exp cost nothing", "spf.check._Check.begin spf.record.Record.match_at_once",
         "spf:test_terms_that_are_not_reached_do_not_count spf:test_the_explanation_counts_for_nothing"),
        ("4.6.4", "MUST NOT query addresses of more than 10 MX names; MUST give permerror beyond",
         "spf.check._Check.mx", "spf:test_eleven_mx_names_are_an_error"),
        ("4.6.4", "MUST NOT query addresses of more than 10 PTR names; MUST ignore the rest",
         "spf.check._Check.validated_names", "spf:test_only_ten_names_of_a_client_are_looked_at"),
        ("4.6.4", "SHOULD limit void lookups to two; permerror beyond", "spf.check._Check.count_void",
         "spf:test_the_third_void_term_is_an_error spf:test_strict_counts_every_query",
         "Choice: a term is void once; `Options.strict` counts each query."),
        ("4.6.4", "SHOULD limit the elapsed time to 20 s or more; temperror beyond", "limits.Limits dns.Asker",
         "deadline:test_past_the_time_nothing_is_asked spf:test_no_answer_for_the_record_is_temperror"),
        ("4.7", "without match and redirect the result is neutral", "spf.check._Check.check_host",
         "spf:test_mechanisms_for_ipv4 spf:test_which_txt_is_the_record"),
        ("4.8", "a term without domain-spec is about the current domain", "spf.check._Check.target",
         "spf:test_mechanisms_for_ipv4 spf:test_d_is_the_current_domain_s_and_o_are_the_senders"),
        ("4.8", "a name that is bad only after expansion is undefined", "spf.macro.MacroString.target",
         ("macro:test_targets_are_names spf:test_mechanisms_for_ipv4 "
         "suite:test_what_the_rfc_leaves_open_is_answered_as_decided"),
         "Choice: it matches nothing and is not asked."),
        ("5", "the high-order bits of the prefix are compared, all without one",
         "spf.check._Check.holds spf.record.Record.match_at_once",
         "spf:test_mechanisms_for_ipv4 spf:test_mechanisms_for_ipv6"),
        ("5", "A is asked for IPv4 clients, AAAA for IPv6; an IPv4-mapped client is IPv4",
         "connection._parse_address spf.check._Check",
         "spf:test_a_mapped_address_is_ipv4 conn:test_addresses spf:test_mechanisms_for_ipv6"),
        ("5", "DNS errors end in the topmost temperror; NXDOMAIN is an empty answer", "spf.check._Check.require",
         "spf:test_mechanisms_for_ipv4"),
        ("5.1", "all matches always; MUST ignore mechanisms behind it", "spf.record.Record.match_at_once",
         "must:test_behind_all_nothing_counts"),
        ("5.1", "MUST ignore redirect where all stands anywhere", "spf.check._Check.check_host",
         "spf:test_mechanisms_for_ipv4 must:test_behind_all_nothing_counts"),
        ("5.2", "include: pass matches; fail, softfail and neutral do not; errors go up; none is permerror",
         "spf.check._Check.match", "spf:test_mechanisms_for_ipv4"),
        ("5.3", "a matches if any address of the target does", "spf.check._Check.match spf.check._Check.holds",
         "spf:test_mechanisms_for_ipv4 spf:test_mechanisms_for_ipv6"),
        ("5.4", "MUST keep to the limits for MX names; permerror beyond", "spf.check._Check.mx",
         "spf:test_eleven_mx_names_are_an_error"),
        ("5.4", "MUST NOT fall back to the addresses of a name without MX", "spf.check._Check.mx",
         "spf:test_mechanisms_for_ipv4"),
        ("5.5", "MUST support ptr; MUST keep to the limits for PTR names", "spf.check._Check.validated_names",
         "spf:test_mechanisms_for_ipv4 spf:test_only_ten_names_of_a_client_are_looked_at"),
        ("5.5", "a PTR error is no match; a name whose addresses fail is skipped", "spf.check._Check.validated_names",
         ("spf:test_a_failing_ptr_lookup_is_no_match spf:test_dead_names_of_the_client_do_not_spoil_the_rest")),
        ("5.5", "a validated name matches at or below the target", "spf.check._Check.match",
         "spf:test_mechanisms_for_ipv4 names:test_under_needs_a_whole_label"),
        ("5.6", "ip4 and ip6 compare within their own family; whole addresses, no leading zeros",
         "spf.record.Record.match_at_once spf.record._ip4 spf.record._ip6",
         ("spf:test_mechanisms_for_ipv4 spf:test_mechanisms_for_ipv6 "
         "record:test_an_error_anywhere_is_an_error_of_the_record")),
        ("5.7", "exists asks for A, for IPv6 clients too; any answer matches", "spf.check._Check.match",
         "spf:test_mechanisms_for_ipv4 spf:test_mechanisms_for_ipv6"),
        ("6", "MUST NOT have redirect or exp twice; permerror", "spf.record.parse_record",
         "record:test_an_error_anywhere_is_an_error_of_the_record"),
        ("6", "MUST ignore unknown modifiers wherever and however often they stand", "spf.record.parse_record",
         "must:test_unknown_modifiers_are_ignored_wherever_they_stand spf:test_mechanisms_for_ipv4"),
        ("6.1", "redirect is followed when nothing matched; its result counts, none is permerror",
         "spf.check._Check.check_host", "spf:test_mechanisms_for_ipv4 spf:test_redirect_counts_only_when_used"),
        ("6.1", "MUST ignore redirect where all stands anywhere", "spf.check._Check.check_host",
         "spf:test_mechanisms_for_ipv4"),
        ("6.2", "MUST return a default or an empty explanation without exp", "spf.check._Check.outcome",
         "spf:test_only_a_fail_asks_for_it spf:test_an_explanation_nowhere", "`explanation` is None."),
        ("6.2", "any error, no record, several, or bad syntax: as if exp were absent", "spf.check._Check.explanation",
         "spf:test_any_problem_means_no_explanation"),
        ("6.2", "MUST keep the explanation to US-ASCII", "spf.check._Check.explanation",
         "spf:test_an_explanation_cannot_leave_its_line spf:test_any_problem_means_no_explanation"),
        ("6.2", "MUST NOT use exp of an included record; of a redirect MUST NOT use the original's",
         "spf.check._Check.outcome", "spf:test_the_explanation_of_an_include_is_not_used_that_of_a_redirect_is"),
        ("6.2", "SHOULD make clear that the text is a third party's",
         "spf.check._Check.explanation results.SpfOutcome", "spf:test_the_explanation_of_a_fail",
         "It is a field of its own, and written into no header field."),
        ("7.1", "a % that begins no macro is a syntax error", "spf.macro.parse", "macro:test_what_is_no_macro"),
        ("7.1", "a domain-spec ends in a macro, or in a label that is not numeric", "spf.macro.parse_domain_spec",
         "macro:test_domain_specs macro:test_what_is_no_domain_spec"),
        ("7.2", "c, r and t stand in explanations only", "spf.macro.parse",
         "macro:test_some_letters_are_for_explanations"),
        ("7.3", "the number of parts MUST be nonzero", "spf.macro.parse", "macro:test_what_is_no_macro"),
        ("7.3", "MUST support at least 127 parts", "spf.macro.Macro.expand", "must:test_127_parts_of_a_macro"),
        ("7.3", "split, reverse, keep the right-hand parts, join with dots; empty parts stay",
         "spf.macro.Macro.expand", "macro:test_expansion macro:test_every_delimiter_splits_and_empty_parts_stay"),
        ("7.3", "MUST accept a trailing dot of a domain", "spf.macro.MacroString.target names.host_name",
         "spf:test_mechanisms_for_ipv4 macro:test_targets_are_names"),
        ("7.3", "a name above 253 characters loses labels on the left", "spf.macro.MacroString.target",
         "macro:test_a_long_target_loses_labels_on_the_left"),
        ("7.3", "p: SHOULD be the domain itself, else SHOULD be a subdomain, else any; unknown without one",
         "spf.check._Check.macro_values", "spf:test_p_is_a_validated_name_and_costs_a_term"),
        ("7.3", "r: SHOULD be the name of the receiver, or unknown", "spf.check.check",
         "spf:test_the_explanation_of_a_fail"),
        ("7.3", "MUST percent-encode all but the unreserved for upper-case letters", "spf.macro.Macro.expand",
         "macro:test_upper_case_escapes_all_but_the_unreserved"),
        ("8.2", "MUST treat neutral exactly as none", "dmarc.check._Check", "check:test_only_a_pass_counts",
         "In our own use of it; else the caller's."),
    ),
    *_rows(6376, _FILES,
        ("3.2", "MUST NOT have ; in a value", "taglist.parse", "tags:test_one_error_invalidates_the_whole_list"),
        ("3.2", "MUST read tag names, and values unless said otherwise, as case-sensitive",
         "taglist.parse dkim.signature.read_common",
         ("sig:test_tag_names_are_case_sensitive_and_stand_once must:test_values_have_a_case "
         "key:test_what_is_no_key")),
        ("3.2", "MUST NOT repeat a tag; the whole list is invalid then", "taglist.parse",
         ("tags:test_one_error_invalidates_the_whole_list sig:test_tag_names_are_case_sensitive_and_stand_once")),
        ("3.2", "MUST keep white space inside a value", "taglist.parse", "tags:test_lists sig:test_what_is_wrong"),
        ("3.2", "MUST ignore unknown tags", "taglist.parse", "sig:test_well_formed key:test_every_tag_has_a_default"),
        ("3.3", "MUST implement rsa-sha256 (and rsa-sha1: RFC 8301 forbids it since)",
         "dkim.signature.read_common dkim.key.Key.verifies", "dkim:test_every_canonicalisation_and_algorithm"),
        ("3.3.3", "MUST validate keys of 512 to 2048 bits", "", "", "RFC 8301 §3.2 replaces it: 1024 to 4096 bits."),
        ("3.3.4", "MUST ignore signatures of unknown algorithms", "dkim.signature.read_common",
         "sig:test_what_is_wrong must:test_values_have_a_case"),
        ("3.4", "MUST implement simple and relaxed; MUST ignore signatures of other canonicalizations",
         "dkim.signature.read_message_tags message.canonical_body",
         "dkim:test_every_canonicalisation_and_algorithm dkim:test_words_for_bad_tags canon:test_bodies"),
        ("3.4", "MUST NOT change the message", "message.Message authenticate.Authentication.apply",
         "msg:test_fields_are_slices_of_the_input apply:test_nothing_forged_nothing_touched"),
        ("3.4.1", "simple header: MUST be as it stands; MUST NOT fold case or change white space",
         "dkim.signature.header_digest", "dkim:test_white_space_matters_to_simple_only dkim:test_changes_show"),
        ("3.4.2", ("relaxed header: MUST lower the name, unfold, reduce white space, strip around the colon, in that "
         "order; MUST keep the colon and final CRLF"), "message.relaxed_field",
         "msg:test_relaxed_header canon:test_headers"),
        ("3.4.3", "simple body: no empty lines at the end, one CRLF at the least", "message.canonical_body",
         "msg:test_canonical_body msg:test_hashes_of_the_empty_body canon:test_bodies"),
        ("3.4.4", "relaxed body: MUST reduce white space, then drop empty lines; MUST NOT remove line ends",
         "message.canonical_body",
         "msg:test_canonical_body msg:test_many_blank_lines_before_the_end_survive canon:test_bodies"),
        ("3.5", "b=: MUST count as empty while the field itself is hashed", "dkim.signature.without_signature",
         "sig:test_only_the_value_of_b_goes dkim:test_b_may_stand_anywhere"),
        ("3.5", "unknown tags MUST be in the hash, and be ignored otherwise",
         "dkim.signature.without_signature dkim.signature.header_digest",
         "dkim:test_the_field_in_many_shapes must:test_an_unknown_tag_is_signed"),
        ("3.5", "v=: MUST be 1", "dkim.signature.parse_signature",
         "sig:test_what_is_wrong dkim:test_words_for_bad_tags"),
        ("3.5", "a=: MUST support rsa-sha256", "dkim.signature.read_common",
         "dkim:test_every_canonicalisation_and_algorithm"),
        ("3.5", "b=, bh=: MUST ignore white space", "dkim.signature._octets taglist.decode_base64",
         "sig:test_well_formed tags:test_base64"),
        ("3.5", "d=: MUST be a valid DNS name, else the signature is invalid", "dkim.signature.read_common",
         "sig:test_what_is_wrong"),
        ("3.5", "d=, i=, s=: MUST be A-labels", "dkim.signature._domain",
         "dkim:test_u_labels_in_d_and_i sig:test_well_formed", "RFC 8616 §5 allows U-labels since; both are read."),
        ("3.5", "h=: MUST NOT be empty; names MUST compare without case",
         "dkim.signature.read_message_tags dkim.signature.parse_signature",
         "sig:test_what_is_wrong dkim:test_the_field_in_many_shapes"),
        ("3.5", "h=: MUST NOT include the field itself", "dkim.signature.header_digest",
         "dkim:test_the_signature_field_does_not_sign_itself_but_others"),
        ("3.5", "i=: MUST be at or below d=", "dkim.signature._read_identity",
         "sig:test_what_is_wrong dkim:test_words_for_bad_tags"),
        ("3.5", "l=: MUST NOT exceed the canonical body", "dkim.verify.check_signature",
         "dkim:test_l_beyond_the_body"),
        ("3.5", "q=: MUST support dns/txt; MUST ignore unknown methods", "dkim.signature.parse_signature",
         "sig:test_well_formed sig:test_what_is_wrong"),
        ("3.5", "t=, x=: SHOULD handle values up to 12 digits", "dkim.signature.read_message_tags taglist.number",
         "sig:test_well_formed sig:test_what_is_wrong"),
        ("3.5", "x=: MUST be greater than t=", "dkim.signature.read_message_tags", "sig:test_what_is_wrong"),
        ("3.5", "x=: the time of receipt decides", "dkim.verify._unacceptable", "dkim:test_times"),
        ("3.5", "z=: MUST remove white space before decoding", "explain.copies.Copies.changes",
         "story:test_fields_that_z_copied_are_compared"),
        ("3.6.1", "MUST ignore unknown tags of a key record", "dkim.key.parse", "key:test_every_tag_has_a_default"),
        ("3.6.1", "v=: MUST be DKIM1 and MUST be first; MUST discard other records", "dkim.key.parse",
         "key:test_what_is_no_key"),
        ("3.6.1", "h=: MUST ignore unknown hashes", "dkim.key.Key.unusable",
         "dkim:test_key_records must:test_unknown_words_of_a_key_are_ignored"),
        ("3.6.1", "k=: MUST support rsa; MUST ignore unknown kinds", "dkim.key.parse",
         "key:test_an_rsa_key key:test_what_is_no_key dkim:test_key_records"),
        ("3.6.1", "p= empty: SHOULD return an error for a revoked key", "dkim.key.parse",
         "key:test_what_is_no_key dkim:test_key_records"),
        ("3.6.1", "s=: MUST ignore a record for other services; MUST ignore unknown services",
         "dkim.key.Key.unusable", ("key:test_a_key_for_something_else dkim:test_key_records "
         "must:test_unknown_words_of_a_key_are_ignored")),
        ("3.6.1", "t=: MUST ignore unknown flags", "dkim.key.parse",
         "key:test_every_tag_has_a_default must:test_unknown_words_of_a_key_are_ignored"),
        ("3.6.1", "t=y: MUST NOT treat the message otherwise than an unsigned one", "dkim.verify._outcome",
         "dkim:test_a_testing_key check:test_signatures_of_keys_in_testing",
         "Choice: a failing one is neutral; a passing one counts, unless `count_testing_keys` is off."),
        ("3.6.1", "t=s: i= MUST be at d= itself", "dkim.verify.check_signature",
         "dkim:test_a_strict_key_wants_i_at_d_itself"),
        ("3.6.2", "MUST support keys in DNS TXT", "dkim.verify.verify dkim.signature.read_common",
         ("dkim:test_every_canonicalisation_and_algorithm dkim:test_every_key_is_asked_once_and_in_one_round")),
        ("3.6.2.2", "MUST join the strings of a TXT record with nothing between",
         "resolvers.records.records resolvers.zone._txt", "dkim:test_key_records"),
        ("3.7", "MUST compute a hash of the body and one of the header fields",
         "dkim.signature.header_digest message.Message.body_hash",
         "dkim:test_every_canonicalisation_and_algorithm dkim:test_signatures_of_dkimpy"),
        ("3.7", "MUST hash the canonical body, cut to l=", "message.Message.body_hash dkim.verify.check_signature",
         ("msg:test_hash_of_a_cut_body dkim:test_l_that_covers_everything_is_ordinary canon:test_body_hashes")),
        ("3.7", ("MUST hash the fields of h= in its order, each with one CRLF, then the field itself without CRLF; "
         "MUST NOT take it for one of h="), "dkim.signature.header_digest",
         ("dkim:test_the_signature_field_does_not_sign_itself_but_others "
         "dkim:test_fields_are_taken_from_the_bottom")),
        ("3.7", "MUST hash before base64, quoted-printable or MIME are decoded", "message.Message.body_hash",
         "dkim:test_8_bit_octets_are_hashed_as_they_are canon:test_bodies"),
        ("3.8", "SHOULD see to it that the message is a valid one",
         "message.Message._split dkim.verify._unacceptable",
         ("msg:test_a_header_section_two_readers_see_differently_has_no_author "
         "dkim:test_a_second_from_is_never_a_pass")),
        ("3.9", "MUST output d= and the result for each signature that passes or meets a temporary failure",
         "dkim.verify._outcome results.DkimOutcome",
         "dkim:test_what_the_outcome_tells must:test_a_temporary_failure_names_its_domain"),
        ("3.10", "i= MUST be at or below d=, or at it with t=s",
         "dkim.verify.check_signature dkim.signature._read_identity",
         "dkim:test_a_strict_key_wants_i_at_d_itself sig:test_what_is_wrong"),
        ("3.11", "MUST give d= to the assessor", "dkim.verify._outcome results.DkimOutcome",
         "dkim:test_what_the_outcome_tells"),
        ("5.4", "a field of h= that is absent MUST count as nothing", "message.Message.select",
         "dkim:test_the_field_in_many_shapes must:test_a_field_that_is_signed_as_absent"),
        ("5.4.2", "repeated fields are taken from the bottom up", "message.Message.select",
         "dkim:test_fields_are_taken_from_the_bottom"),
        ("6", "MUST give the results of the described steps", "dkim.verify.verify",
         "dkim:test_signatures_of_dkimpy eval:test_any_message_over_any_dns"),
        ("6.1", "MUST NOT attribute meaning to the order of signatures", "dkim.verify.verify",
         "must:test_the_order_of_signatures_means_nothing"),
        ("6.1", "SHOULD NOT treat bad signatures otherwise than none", "dmarc.check._Check",
         "check:test_only_a_pass_counts must:test_bad_signatures_count_as_none"),
        ("6.1", "MUST cease with a bad signature; SHOULD go on to the next",
         "dkim.verify.verify dkim.verify.read_signatures", ("dkim:test_one_outcome_a_field_and_none_harms_another "
         "check:test_one_good_signature_among_bad_ones")),
        ("6.1.1", "MUST validate the field meticulously; MUST ignore it for any inconsistency",
         "dkim.signature.parse_signature", "sig:test_what_is_wrong parsers:test_signatures_and_keys"),
        ("6.1.1", "MUST return PERMFAIL for another version", "dkim.signature.parse_signature",
         "sig:test_what_is_wrong dkim:test_words_for_bad_tags"),
        ("6.1.1", "MUST ignore a field without a required tag", "dkim.signature.parse_signature taglist.require",
         "sig:test_what_is_wrong"),
        ("6.1.1", "MUST take @d for an absent i=", "dkim.signature._read_identity dkim.signature.Signature",
         "dkim:test_a_strict_key_wants_i_at_d_itself must:test_without_i_the_identity_is_at_d"),
        ("6.1.1", "MUST ignore a field whose d= is not at or above i=", "dkim.signature._read_identity",
         "sig:test_what_is_wrong"),
        ("6.1.1", "MUST ignore a field whose h= lacks From", "dkim.signature.parse_signature",
         "sig:test_what_is_wrong dkim:test_words_for_bad_tags"),
        ("6.1.1", "the list of unacceptable d= SHOULD be configurable", "dkim.verify._unacceptable limits.Options",
         "dkim:test_a_public_suffix_signs_for_nobody"),
        ("6.1.2", "MUST validate the key record; MUST ignore malformed ones", "dkim.key.parse dkim.key.keys_of",
         "key:test_what_is_no_key key:test_keys_before_problems_and_telling_problems_before_noise"),
        ("6.1.2", "MUST follow the order of the steps in effect", "dkim.verify.try_keys dkim.key.Key.unusable",
         "dkim:test_key_records"),
        ("6.1.2", "no answer is TEMPFAIL; no key MUST be PERMFAIL", "dkim.verify.try_keys",
         "dkim:test_key_records dkim:test_trouble_with_one_key_is_its_own"),
        ("6.1.2", "several records are undefined: one may be chosen, or each tried", "dkim.verify.try_keys",
         "dkim:test_key_records dkim:test_a_few_keys_are_tried_not_all", "Choice: `Limits.key_records` are tried."),
        ("6.1.2", "MUST ignore a malformed key or one of another version: key syntax error", "dkim.key.parse",
         "key:test_what_is_no_key dkim:test_key_records"),
        ("6.1.2", "MUST ignore a key whose h= lacks the hash", "dkim.key.Key.unusable",
         "key:test_a_key_for_something_else dkim:test_key_records"),
        ("6.1.2", "MUST take an empty p= for a failure: key revoked", "dkim.key.parse",
         "dkim:test_key_records key:test_what_is_no_key"),
        ("6.1.2", "MUST return PERMFAIL for a key that does not suit a= and k=", "dkim.key.Key.unusable",
         "key:test_a_key_for_something_else dkim:test_key_records"),
        ("6.1.3", "names of h= MUST compare without case", "dkim.signature.read_message_tags",
         "dkim:test_the_field_in_many_shapes"),
        ("6.1.3", "SHOULD ignore a signature whose body hash is wrong", "dkim.verify.check_signature",
         "dkim:test_changes_show"),
        ("6.1.3", "SHOULD ignore a signature that does not validate", "dkim.verify.check_signature",
         "dkim:test_changes_show dkim:test_rsa_with_the_signature_plus_the_modulus"),
        ("6.2", "a field with the results SHOULD stand above existing signatures",
         "authenticate.Authentication.apply", "apply:test_forged_fields_go_and_ours_come"),
        ("6.3", "SHOULD NOT refuse for missing or bad signatures alone", "dmarc.check._Check._disposition",
         "check:test_no_record must:test_bad_signatures_count_as_none"),
        ("6.3", "MUST NOT answer 4xx for cryptographic failures; SHOULD for no other than temporary ones",
         "dmarc.check._Check._disposition", "must:test_bad_signatures_count_as_none"),
        ("6.3", "MUST convey a verified signature to the assessor", "authenticate._compose",
         "auth:test_everything_at_once"),
        ("6.3", "SHOULD make the exact reason of a failure available", "dkim.verify._outcome results.DkimOutcome",
         "dkim:test_the_detail_says_whether_the_header_is_as_signed"),
    ),
    *_rows(8301, _FILES,
        ("3.1", "MUST be able to verify rsa-sha256", "dkim.signature.read_common dkim.key.Key.verifies",
         "dkim:test_every_canonicalisation_and_algorithm"),
        ("3.1", "MUST NOT verify rsa-sha1", "dkim.signature.read_common",
         "sig:test_what_is_wrong dkim:test_words_for_bad_tags"),
        ("3.2", "MUST validate RSA keys of 1024 to 4096 bits", "dkim.key.Key.unusable",
         ("dkim:test_every_canonicalisation_and_algorithm must:test_a_key_of_4096_bits "
         "limits:test_the_bounds_of_the_rfcs")),
        ("3.2", "MUST NOT consider keys of less than 1024 bits valid", "dkim.key.Key.unusable",
         "dkim:test_a_weak_key_never_passes"),
    ),
    *_rows(8463, _FILES,
        ("3", "Ed25519 is over the SHA-256 hash, without prehashing of its own", "dkim.key.Key.verifies",
         "dkim:test_signatures_of_dkimpy must:test_the_example_of_rfc_8463"),
        ("3", "the key record says k=ed25519", "dkim.key.parse",
         "key:test_an_ed25519_key key:test_a_key_for_something_else"),
        ("4.1", "a= may be ed25519-sha256", "dkim.signature.read_common", "sig:test_well_formed"),
        ("4.2", "p= holds the 256 bits of the key itself", "dkim.key._ed25519",
         "key:test_an_ed25519_key key:test_what_is_no_key"),
        ("5", "MUST implement Ed25519-SHA256", "dkim.key.Key.verifies", "must:test_the_example_of_rfc_8463"),
    ),
    *_rows(8601, _FILES,
        ("2.2", "MUST write an email identity in the address form", "authres.write.write_address",
         "write:test_form_of_a_value must:test_an_identity_is_written_as_an_address"),
        ("2.3", "MUST NOT decide by results with unknown ptypes", "authenticate._believe_sealers",
         "must:test_only_known_results_of_a_sealer_are_believed", "In our own use; else the caller's."),
        ("2.5", "SHOULD use the authserv-id to tell whether a field is of interest", "authres.forged.forged_fields",
         "forged:test_a_claim forged:test_what_must_stay"),
        ("2.6", "an unknown version ends the reading of the field", "authres.parse._Reader.field",
         "read:test_an_unknown_version_is_not_read"),
        ("2.6", "SHOULD ignore a result of an unknown version of its method", "authenticate._believe_sealers",
         "must:test_only_known_results_of_a_sealer_are_believed"),
        ("2.7", "SHOULD use the registered result words", "results.Result",
         "results:test_words_are_those_of_rfc_8601"),
        ("2.7.2", "SHOULD NOT report the local part with SPF", "authres.write.write_outcomes",
         "write:test_the_local_part_of_mail_from_is_not_told"),
        ("2.7.3", "iprev: fail, temperror and permerror have each their cause", "iprev.check",
         "iprev:test_other_outcomes"),
        ("3", "MUST limit the names whose addresses are asked", "iprev.check", "iprev:test_names_are_bounded"),
        ("4", "method and result MUST be registered ones", "authres.write.write_outcomes",
         ("results:test_words_are_those_of_rfc_8601 must:test_only_registered_methods_and_results_are_written")),
        ("4", "MUST NOT add a result to an existing field", "authenticate.Authentication.apply",
         "apply:test_forged_fields_go_and_ours_come"),
        ("4", "SHOULD stand above all other trace fields", "authenticate.Authentication.apply",
         "apply:test_forged_fields_go_and_ours_come apply:test_received_spf_stands_below"),
        ("4", "SHOULD NOT include data that was not authenticated", "authres.write.write_outcomes",
         "write:test_the_local_part_of_mail_from_is_not_told"),
        ("4.1", "SHOULD NOT be interpreted unless configured, and only for trusted authserv-ids",
         "authenticate._believe_sealers", "auth:test_trusted_sealers_are_a_reason_to_accept_not_to_pass",
         "In our own use; else the caller's."),
        ("4.1", "MUST ignore unknown results, ptypes and methods", "authenticate._believe_sealers",
         "must:test_only_known_results_of_a_sealer_are_believed",
         "In our own use; `authres.parse` shows what is there, and the caller chooses."),
        ("4.1", "MUST NOT be reordered; MUST be prepended", "authenticate.Authentication.apply",
         "apply:test_forged_fields_go_and_ours_come apply:test_nothing_forged_nothing_touched"),
        ("4.1", "SHOULD ignore fields inside attached messages", "authres.forged.forged_fields message.Message.find",
         "forged:test_every_field_is_judged"),
        ("4.1", "SHOULD tolerate fields that were appended instead of prepended", "authres.forged.forged_fields",
         "forged:test_every_field_is_judged"),
        ("4.1", "SHOULD NOT show results to people without care", "", "",
         "The caller's: the library shows nothing to readers of mail."),
        ("4.2", "SHOULD refuse in SMTP rather than later", "", "", "The caller's: `disposition` is advice."),
        ("5", "MUST delete fields that claim to be of our own",
         "authres.forged.forged_fields authenticate.Authentication.apply",
         "forged:test_a_claim apply:test_applying_it_leaves_nothing_forged_but_ours"),
        ("5", "authserv-ids compare without case, in EAI mail as U-labels", "authres.identity._normal",
         "forged:test_internationalized_names forged:test_a_look_alike_of_an_internationalized_name_stays"),
        ("5", "SHOULD remove fields of an unknown version; MUST where a stranger relays", "authres.forged._claims",
         "forged:test_a_version_nobody_reads_goes_whomever_it_names"),
    ),
    *_rows(8617, _FILES,
        ("4.1.1", "i= stands first in ARC-Authentication-Results; one field a set", "arc.verify._read_sets",
         "arc:test_bad_structure arc:test_gaps_and_duplicates"),
        ("4.1.2", "MUST ignore v= in ARC-Message-Signature", "arc.verify._message_signature",
         "must:test_a_version_of_a_message_signature_is_ignored"),
        ("4.1.2", "ARC fields MUST NOT be in h= of ARC-Message-Signature", "arc.verify._message_signature",
         "arc:test_arc_fields_in_h", "Choice: ARC-Seal fails, the others are tolerated."),
        ("4.1.3", "h= in ARC-Seal MUST be cv fail", "arc.verify._seal", "arc:test_bad_structure"),
        ("4.1.3", "ARC-Seal is in relaxed header form, and covers no body", "arc.verify._check_seals",
         "arc:test_one_set arc:test_a_seal_that_was_changed"),
        ("4.1.4", "d= and s= may be U-labels", "dkim.signature._domain arc.verify._seal",
         "must:test_u_labels_in_a_set"),
        ("4.2.1", "instances are 1 to 50", "arc.verify._read_sets limits.Limits",
         "arc:test_fifty_sets_and_no_more arc:test_bad_structure"),
        ("4.2.1", "a set MUST have each field exactly once", "arc.verify._by_instance arc.verify._read_sets",
         "arc:test_gaps_and_duplicates"),
        ("5.1.1", "seals are over all sets in increasing order: AAR, AMS, AS", "arc.verify._check_seals",
         "arc:test_two_sealers arc:test_a_chain_sealed_by_dkimpy"),
        ("5.2", "step 1: none without sets; fail beyond 50", "arc.verify.verify arc.verify._read_sets",
         "arc:test_no_chain arc:test_fifty_sets_and_no_more"),
        ("5.2", "step 2: fail when the newest set says fail", "arc.verify._read_sets",
         "arc:test_a_chain_its_last_sealer_found_broken_stays_broken"),
        ("5.2", "step 3 A: each set MUST have one of each field", "arc.verify._read_sets",
         "arc:test_gaps_and_duplicates"),
        ("5.2", "step 3 B: instances MUST be 1 to N without gap or repetition", "arc.verify._read_sets",
         "arc:test_gaps_and_duplicates arc:test_bad_structure"),
        ("5.2", "step 3 C: cv MUST NOT be fail; MUST be none in the first set and pass in all others",
         "arc.verify._read_sets", "arc:test_bad_structure arc:test_pass_in_a_later_set_only"),
        ("5.2", "step 4: the newest ARC-Message-Signature must validate", "arc.verify._check_messages",
         "arc:test_one_octet_of_the_body arc:test_a_signed_field arc:test_bad_message_signatures"),
        ("5.2", "step 5: oldest-pass, without effect on the chain", "arc.verify._check_messages",
         "arc:test_an_older_message_signature_that_fails_only_dates_the_change"),
        ("5.2", "step 6: every seal must validate", "arc.verify._check_seals",
         "arc:test_a_payload_that_was_changed arc:test_a_seal_that_was_changed"),
        ("5.2", "SHOULD include the result in Authentication-Results",
         "authenticate._compose authres.write.write_outcomes",
         "auth:test_everything_at_once must:test_only_registered_methods_and_results_are_written"),
        ("5.2", "MUST treat a failed chain as no chain", "authenticate._believe_sealers arc.verify.verify",
         "auth:test_trusted_sealers_are_a_reason_to_accept_not_to_pass must:test_a_failed_chain_is_as_none"),
        ("5.2.1", "every error is a fail, of DNS too", "arc.verify.verify", "arc:test_every_trouble_is_a_fail"),
    ),
    *_rows(9989, _FILES,
        ("4.4", "identifiers align with the same Organizational Domain, or when identical; without case",
         "dmarc.check._Check._alignment", "check:test_alignment check:test_strictness_is_per_mechanism"),
        ("4.4", "a From that is malformed, absent or repeated aligns with nothing",
         "dmarc.check._Check.outcome message.Message._find_author",
         "check:test_no_single_author_is_permerror_without_a_question msg:test_no_single_author"),
        ("4.4.1", "any aligned signature is enough, whatever the others are", "dmarc.check._Check._alignment",
         "check:test_one_good_signature_among_bad_ones check:test_one_aligned_pass_is_enough"),
        ("4.4.2", "only the MAIL FROM identity of SPF counts", "dmarc.check.check",
         "check:test_the_helo_identity_is_refused auth:test_a_helo_pass_is_no_pass_for_dmarc"),
        ("4.5", "MUST join the strings of a TXT record in their order",
         "dmarc.record.records_of resolvers.records.records resolvers.zone._txt",
         "must:test_the_strings_of_a_policy_are_joined"),
        ("4.7", "MUST ignore unknown tags", "dmarc.record.parse", ("policy:test_a_bad_or_unknown_tag_is_as_if_absent "
         "check:test_pct_has_no_effect_and_the_detail_says_so")),
        ("4.7", "v: MUST be first and DMARC1 as written, else MUST ignore the record", "dmarc.record.parse",
         "policy:test_what_is_none dmarc:test_record"),
        ("4.7", "adkim, aspf: relaxed unless s", "dmarc.record.parse dmarc.check._Check._alignment",
         "policy:test_defaults check:test_strictness_is_per_mechanism"),
        ("4.7", "np: for domains that do not exist; absent, MUST apply sp, else p", "dmarc.discovery.find_policy",
         "walk:test_np_is_for_names_that_do_not_exist must:test_policies_of_a_name_that_does_not_exist"),
        ("4.7", "p: absent is none", "dmarc.record.parse", "policy:test_an_absent_policy_is_none_and_the_rest_stays",
         "Choice: also without rua, on which §4.10.1 disagrees."),
        ("4.7", "sp: for subdomains; absent, MUST apply p", "dmarc.discovery.find_policy", "walk:test_policies"),
        ("4.7", "psd: u unless y or n", "dmarc.record.parse",
         "policy:test_defaults walk:test_organizational_domains"),
        ("4.7", "t=y: the policy one level below is applied", "dmarc.discovery.find_policy", "walk:test_policies"),
        ("4.7", ("fo: MUST ignore without ruf; rua, ruf: MUST NOT report without, MUST support mailto, MUST ignore "
         "other schemes"), "", "", "The library sends no reports; the URIs are in the record."),
        ("4.8", "MUST ignore unknown tags; MUST discard syntax errors in favour of defaults", "dmarc.record.parse",
         "policy:test_a_bad_or_unknown_tag_is_as_if_absent policy:test_octets",
         "Choice: a tag that stands twice is such an error."),
        ("4.8", "an obsolete size behind a URI is ignored", "dmarc.record._uris", "policy:test_everything"),
        ("4.10", "walk: up to the top, or to psd=n or psd=y; several records at a name are discarded",
         "dmarc.discovery.walk", "walk:test_organizational_domains dmarc:test_tree_walk"),
        ("4.10", "walk: no more than eight queries; names above eight labels jump to seven",
         "dmarc.discovery.walk_names", "walk:test_the_names_of_a_walk dmarc:test_the_names_of_the_walk"),
        ("4.10.1", ("the record is that of the Author Domain, else of its Organizational Domain, else of its public "
         "suffix"), "dmarc.discovery.find_policy", "walk:test_policies"),
        ("4.10.1", "p at the domain itself; below it sp where it exists, np where it does not, else p",
         "dmarc.discovery.find_policy", "walk:test_policies walk:test_np_is_for_names_that_do_not_exist"),
        ("4.10.1", "an invalid p, sp or np with a valid rua: MUST act as for p=none", "dmarc.record.parse",
         "policy:test_a_bad_policy_needs_somewhere_to_report_to"),
        ("4.10.1", "an invalid p, sp or np without rua: no DMARC", "dmarc.check._Check.outcome dmarc.record.parse",
         "check:test_an_unusable_record", "Choice: the word is permerror, the advice accept."),
        ("4.10.1", "MUST NOT apply DMARC without a record", "dmarc.check._Check.outcome dmarc.discovery.find_policy",
         "check:test_no_record"),
        ("4.10.1", "DNS errors are the receiver's to handle",
         "dmarc.discovery.find_policy dmarc.check._Check.outcome",
         "check:test_no_policy_no_verdict walk:test_a_needed_name_without_answer",
         "Choice: temperror, and the advice to defer."),
        ("4.10.2", ("Organizational Domain: psd=n, else one label below psd=y, else the shortest name, else the "
         "domain"), "dmarc.discovery._organizational_domain",
         "walk:test_organizational_domains dmarc:test_tree_walk"),
        ("4.10.2", "each identifier has a walk of its own",
         "dmarc.check._Check._compare dmarc.check._Check._known",
         "check:test_each_identifier_has_its_own_walk"),
        ("4.10.2", "identical names, and strict alignment, need no walk", "dmarc.check._Check._alignment",
         ("check:test_an_exact_match_needs_no_walk "
         "check:test_strict_alignment_makes_trouble_elsewhere_irrelevant")),
        ("5.3.1", "MUST convert the Author Domain to A-labels", "author._author names.to_ascii",
         "msg:test_the_author_domain"),
        ("5.3.1", "none or several domains in From: no DMARC validation",
         "author._author dmarc.check._Check.outcome",
         "msg:test_no_single_author check:test_no_single_author_is_permerror_without_a_question",
         "Choice: permerror, and the advice to hold back; several domains are not each evaluated."),
        ("5.3.2", "no record: DMARC does not apply", "dmarc.check._Check.outcome", "check:test_no_record"),
        ("5.3.3", "MUST keep for SPF the result and the domain; SHOULD keep the reason",
         "spf.check._Check.outcome results.SpfOutcome", "must:test_what_dmarc_rests_on_is_kept"),
        ("5.3.3", "MUST keep for each signature the result, d= and s=; SHOULD keep the reason",
         "dkim.verify._outcome results.DkimOutcome",
         "dkim:test_what_the_outcome_tells must:test_what_dmarc_rests_on_is_kept"),
        ("5.3.4", "every identifier is checked for alignment", "dmarc.check._Check._alignment",
         "check:test_alignment"),
        ("5.3.5", "pass with one aligned identifier, else fail", "dmarc.check._Check.outcome",
         "check:test_alignment check:test_only_a_pass_counts"),
        ("5.3.6", "with unfinished DNS neither pass nor fail, and no policy",
         "dmarc.check._Check.outcome dmarc.check._Check._disposition",
         ("check:test_no_policy_no_verdict check:test_an_undecided_identifier_that_could_align "
         "check:test_a_walk_that_cannot_be_finished_leaves_it_open"),
         "Choice: trouble with an identifier that could not align changes nothing."),
        ("5.3.7", "MUST preserve the results where reports are sent",
         "dmarc.check._Check._decided results.DmarcOutcome", "must:test_what_dmarc_rests_on_is_kept",
         "Sending and keeping are the caller's."),
        ("5.3.8", "SHOULD send aggregate reports every day", "", "", "The caller's: the library sends nothing."),
        ("5.4", "SHOULD NOT reject for p=reject alone", "dmarc.check._Check._disposition",
         "check:test_advice_for_a_fail"),
        ("5.4", "SHOULD add Authentication-Results", "authenticate._compose authres.write.write",
         "auth:test_everything_at_once"),
        ("5.4", "SHOULD report why it deviates from a policy", "", "", "The caller's: the library sends no reports."),
        ("5.4", "MUST NOT change the handling for p=none", "dmarc.check._Check._disposition",
         "check:test_advice_for_a_fail"),
        ("7.4", "MUST NOT reject for p=reject alone; MUST treat it as quarantine without other knowledge",
         "dmarc.check._Check._disposition", "check:test_advice_for_a_fail"),
    ),
)
# fmt: on

# --- the page --------------------------------------------------------------------------------------------------------

TITLES = {
    7208: "SPF",
    6376: "DKIM",
    8301: "DKIM, cryptography",
    8463: "DKIM, Ed25519",
    8601: "Authentication-Results",
    8617: "ARC",
    9989: "DMARC",
}

_HEAD = """\
<!-- Generated by `python tests/rfc_coverage.py`: change that file or the comments in mailauth/, not this page. -->

# RFC coverage

What the RFCs ask of a receiver, the code that does it, and the tests that prove it.
Rules are in our own words; MUST and SHOULD have the force that the RFC gives them, \
and a rule without either decides a verdict all the same.
Rules for signers, senders and publishers of records are left out.
Where the code column is a dash, the text says why: the rule is the caller's, or it is answered otherwise.
A choice is a point that the RFC leaves open; [Decisions](decisions.md) explains it.
Names of code are relative to `mailauth`, names of tests to `tests`.
"""


def render() -> str:
    """Return the page."""
    parts = [_HEAD]
    for rfc, title in TITLES.items():
        parts.append(f"\n## {title}: RFC {rfc}\n\n| section | rule | code | tests |\n|---|---|---|---|\n")
        parts += [_row(r) for r in REQUIREMENTS if r.rfc == rfc]
    parts.append("\n## Every section cited in the code\n")
    places: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for citation in citations():
        places[citation.rfc][citation.section].append(citation.place.removeprefix("mailauth").removeprefix("."))
    for rfc, sections in places.items():
        parts.append(f"\n### RFC {rfc}\n\n| section | cited in |\n|---|---|\n")
        for section, names in sections.items():
            shown = ", ".join(f"`{name or 'mailauth'}`" for name in names)
            parts.append(f"| {'§' + section if section else 'as a whole'} | {shown} |\n")
    return "".join(parts)


def _row(row: Requirement) -> str:
    code = ", ".join(f"`{name}`" for name in row.code) or "–"
    tests = ", ".join(f"`{name}`" for name in row.tests)
    proof = " ".join(part for part in (tests + "." if tests and row.reason else tests, row.reason) if part)
    return f"| §{row.section} | {_cell(row.rule)} | {code} | {_cell(proof)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
