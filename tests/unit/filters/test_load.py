"""Filters from a file: the order, and what the user is told of a file that has none."""

from __future__ import annotations

import pickle
import types
from pathlib import Path

import pytest

from mailauth import UsageError
from mailauth.filters import filter, load  # noqa: A004

TWO = """
from __future__ import annotations
import dataclasses
from mailauth.filters import add, filter

@dataclasses.dataclass
class Tag:
    name: str

@filter
def second(auth, message, connection):
    return add(Tag("X-Second").name, "yes")

def helper():
    return 1

@filter(name="the first", on_error="defer")
async def first(auth, message, connection):
    return None

alias = second
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "filters.py"


def test_filters_in_order(file: Path) -> None:
    file.write_text(TWO)
    for source in (file, str(file)):
        filters = load(source)
        assert [(each.name, each.on_error) for each in filters] == [("second", "skip"), ("the first", "defer")]
    assert list(file.parent.iterdir()) == [file]


def test_filters_of_a_module() -> None:
    module = types.ModuleType("mine")
    module.tag = filter(lambda *_: None, name="tag")  # type: ignore[attr-defined]
    assert [each.name for each in load(module)] == ["tag"]
    with pytest.raises(UsageError, match=r"^pickle: there is no filter in it; write @filter above"):
        load(pickle)


def test_a_file_that_changed_is_read_anew(file: Path) -> None:
    for name in ("one", "two"):
        file.write_text(f"from mailauth.filters import filter\n@filter\ndef {name}(*_): pass\n")
        assert [each.name for each in load(file)] == [name]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x = 1\n", "filters.py: there is no filter in it; write @filter above each function"),
        (b"import os\n\ndef broken(:\n", "filters.py, line 3: invalid syntax"),
        (b"\n\nimport no_such_module\n", "filters.py, line 3: ModuleNotFoundError: No module named"),
        (b"\ndef f():\n    return 1 / 0\n\nf()\n", "filters.py, line 5: ZeroDivisionError"),
        (b"import sys\nsys.exit('bye')\n", "filters.py, line 2: SystemExit: bye"),
        (b"x = 1\0\n", "filters.py"),
        (b"x = '\xff'\n", "filters.py"),
    ],
)
def test_a_file_that_cannot_be_used(file: Path, content: bytes, message: str) -> None:
    file.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        load(file)


def test_a_file_that_is_not_there(file: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory: give the path of a Python file"):
        load(file)
    with pytest.raises(UsageError, match="Is a directory"):
        load(file.parent)
