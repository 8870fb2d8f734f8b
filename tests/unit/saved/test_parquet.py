"""Rows as Parquet: what is read is what was written, in columns of the documented types."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'mailauth[bulk]'")
pq = pytest.importorskip("pyarrow.parquet")

from mailauth.saved import Row  # noqa: E402
from mailauth.saved import parquet as own  # noqa: E402
from mailauth.saved.table import COLUMNS  # noqa: E402

FULL = Row(
    source="mail",
    origin="mail/a.eml",
    sha256="0" * 64,
    size=7,
    damage=("bom", "bare_cr"),
    received_at=datetime(2026, 11, 2, 9, 30, 0, 123456, UTC),
    client_is_guess=True,
    mail_from="",
    helo="caf\N{LATIN SMALL LETTER E WITH ACUTE}\x00\\udcff",
    dkim_results=("pass", "fail"),
    forged=0,
)
BARE = Row(source="mail", origin="mail/b", problem="the file is empty")


def read(path: Path) -> list[Row]:
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    for row in found:
        row |= {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return [Row(**row) for row in found]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    own.write_parquet([FULL, BARE], tmp_path / "rows.parquet")
    assert read(tmp_path / "rows.parquet") == [FULL, BARE]
    assert os.listdir(tmp_path) == ["rows.parquet"]  # noqa: PTH208


def test_no_row_at_all(tmp_path: Path) -> None:
    own.write_parquet([], tmp_path / "rows.parquet")
    assert read(tmp_path / "rows.parquet") == []
    assert pq.read_schema(tmp_path / "rows.parquet").names == list(COLUMNS)


def test_the_types_of_the_columns(tmp_path: Path) -> None:
    own.write_parquet([BARE], tmp_path / "rows.parquet")
    found = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "rows.parquet")}
    words = {"str": "string", "int": "int64", "bool": "bool", "datetime": "timestamp[us, tz=UTC]"}
    words |= {"list": "list<element: string not null>"}
    assert found == {name: words[kind.__name__] for name, kind in COLUMNS.items()}


def test_many_rows_are_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "_GROUP", 100)
    own.write_parquet((Row(source="s", origin=str(n)) for n in range(250)), tmp_path / "rows.parquet")
    file = pq.ParquetFile(tmp_path / "rows.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [100, 100, 50]
    assert [row.origin for row in read(tmp_path / "rows.parquet")] == [str(n) for n in range(250)]


def test_an_old_file_remains_if_writing_fails(tmp_path: Path) -> None:
    own.write_parquet([FULL], tmp_path / "rows.parquet")

    def failing() -> object:
        yield BARE
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        own.write_parquet(failing(), tmp_path / "rows.parquet")  # type: ignore[arg-type]
    assert read(tmp_path / "rows.parquet") == [FULL]
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]
