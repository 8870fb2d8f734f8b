"""What is wrong with a configuration file, in words: the line of a key, a key that may be meant, what a value must be.

Knows TOML and the errors of pydantic, and nothing of what is configured.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from mailauth.text import shown

_TABLE = re.compile(r"\s*\[\[?\s*([^\[\]#]+?)\s*\]")
_KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*(?:=|\.\s*["']?([\w-]+))""")
_WANTED = {  # by types of errors of pydantic: its own words are those of JSON
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text in quotes",
    "tuple_type": "a list in brackets",
    "frozen_set_type": "a list in brackets",
    "dict_type": "a table",
    "mapping_type": "a table",
    "dataclass_type": "a table",
    "json_invalid": "a value that is not nested so deeply",
}


def words(error: Any, value: Any) -> str:
    """Return what is wrong with a value, or with a part of it."""
    place = " ".join(part if isinstance(part, str) else f"{part + 1}." for part in error["loc"])
    if error["type"] == "unexpected_keyword_argument":
        return f"there is no such key: {place}"
    wanted = _WANTED.get(error["type"], error["msg"].removeprefix("Value error, ").removeprefix("Input should be "))
    return f"{place}: give {wanted}" if place else f"give {wanted}, not {shown(value)}"


def hint(key: str, keys: list[str]) -> str:
    """Return which of the keys may be meant, or all of them."""
    near = difflib.get_close_matches(key.lower().replace("-", "_"), keys, 1)
    return f"; did you mean {near[0]}?" if near else f"; the keys are {', '.join(keys)}"


class Lines:
    """Where keys are in the text of a file."""

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str, str], int] = {}
        table = ""
        for number, line in enumerate(text.splitlines(), 1):
            if match := _TABLE.match(line):
                table = match[1]
                self._lines.setdefault((table, ""), number)
                # [policy.domains] is a key of [policy], and [policy] one of the whole
                parent, _, key = table.partition(".")
                self._lines.setdefault((parent, key.partition(".")[0]), number)
                self._lines.setdefault(("", parent), number)
            elif match := _KEY.match(line):
                self._lines.setdefault((table, match[1]), number)
                if match[2] and not table:
                    # policy.reject is one too
                    self._lines.setdefault((match[1], match[2]), number)

    def of(self, table: str, key: str = "") -> int:
        """Return the line of a key, or of a table; 0 when it is not found."""
        return self._lines.get((table, key)) or self._lines.get((table, "")) or self._lines.get(("", table)) or 0
