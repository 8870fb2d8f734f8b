"""Each choice that the code or a test cites by its number has one entry in docs/decisions.md."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CITED = re.compile(r"\b(?:[Cc]hoices?|[Dd]ecision) (D\d+(?:, D\d+)*)")
# "(D8, D27)" at the end of a term or of a sentence, but not what the page says about the numbers
ENTRY = re.compile(r"\((D\d+(?:, D\d+)*)(?:; [^)]*)?\)")


def test_each_choice_has_one_entry() -> None:
    page = (ROOT / "docs" / "decisions.md").read_text().split("## ", 1)[1]
    entries = [number for numbers in ENTRY.findall(page) for number in numbers.split(", ")]
    assert len(entries) == len(set(entries))
    sources = [p for folder in ("mailauth", "tests") for p in (ROOT / folder).rglob("*.py")]
    cited = {n for p in sources for numbers in CITED.findall(p.read_text()) for n in numbers.split(", ")}
    assert cited
    assert cited <= set(entries)


def test_each_choice_has_a_number() -> None:
    files = list((ROOT / "mailauth").rglob("*.py"))
    assert not [str(path) for path in files if re.search(r"#.*\bChoice:", path.read_text(encoding="utf-8"))]
