"""docs/configuration.md says what the code does: the keys, their types and defaults, and every example can be used."""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

pytest.importorskip("pydantic", reason="pydantic is not installed: pip install 'mailauth[milter]'")
from mailauth.limits import Limits, Options
from mailauth.policy import Rules
from mailauth.serve.config import Config, Dns, Filters, Log, Metrics, Milter, Reports, parse

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = (DOCS / "configuration.md").read_text(encoding="utf-8")
TABLES: dict[str, Any] = {
    "milter": Milter, "dns": Dns, "options": Options, "limits": Limits, "policy": Rules, "filters": Filters,
    "log": Log, "metrics": Metrics, "reports": Reports,
}  # fmt: skip
WORDS: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false"}
ROW = re.compile(r"(?m)^\| `(\w+)` \| (.+?) \| (.+?) \| (\S.*) \|$")
TOML = re.compile(r"(?ms)^```toml\n(.*?)^```$")


def shown() -> dict[str, dict[str, tuple[str, str]]]:
    """Return what the page says: by table and key, the type and the default."""
    parts = re.split(r"(?m)^## (.+)$", PAGE)
    found = {}
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        name = heading[1:-1] if heading.startswith("[") else ""
        rows = ROW.findall(text)
        assert len(rows) == text.count("\n| `"), heading
        found[name] = {key: (kind, default) for key, kind, default, _ in rows}
    return found


def word(hint: Any) -> str:
    """Return what the page calls a type."""
    if get_origin(hint) is Literal:
        return ", ".join(f'`"{each}"`' for each in get_args(hint))
    if hint in WORDS:
        return WORDS[hint]
    if get_origin(hint) in (tuple, frozenset):
        return "list of texts"
    kinds = [each for each in get_args(hint) if each is not NoneType]
    if getattr(get_origin(hint), "__name__", "") == "Mapping":
        return "table"
    return " or ".join(map(word, kinds))


def default_of(each: Any) -> Any:
    """Return the default of a key, as TOML has it."""
    value = each.default_factory() if each.default is MISSING else each.default
    return sorted(value) if isinstance(value, frozenset) else list(value) if isinstance(value, tuple) else value


def test_the_page_has_every_table() -> None:
    assert set(shown()) == {"", *TABLES}
    assert set(TABLES) | {"authserv_id"} == {each.name for each in fields(Config)}


@pytest.mark.parametrize("table", ["", *TABLES])
def test_the_page_has_every_key_with_its_type_and_default(table: str) -> None:
    kind = TABLES.get(table, Config)
    hints = get_type_hints(kind)
    keys = [each for each in fields(kind) if table or each.name not in TABLES]
    page = shown()[table]
    assert list(page) == [each.name for each in keys]
    assert {name: kind for name, (kind, _) in page.items()} == {each.name: word(hints[each.name]) for each in keys}
    for each in keys:
        default = page[each.name][1]
        told = None if default == "none" else tomllib.loads(f"it = {default.strip('`')}")["it"]
        wanted = default_of(each)
        assert (type(told), told) == (type(wanted), wanted), each.name


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_every_configuration_of_the_manual_can_be_used(page: Path) -> None:
    for block in TOML.findall(page.read_text(encoding="utf-8")):
        parse(block.encode(), page.name)


def test_the_manual_has_configurations() -> None:
    assert sum(len(TOML.findall(page.read_text(encoding="utf-8"))) for page in DOCS.rglob("*.md")) >= 4
