"""Rows as a Parquet file, through pyarrow: a column for each field of the rows, of the same name, in its order.

str, int, bool and a list of str are what they are; a datetime is a timestamp of microseconds in UTC. Written in row
groups, so that memory does not grow with the number of rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from mailauth.extras import needing
from mailauth.files import replacing
from mailauth.saved.table import Row, columns_of, nullable

_GROUP = 20_000  # rows of a row group: a few megabytes


def schema(kind: type = Row) -> Any:
    """Return the schema of a table, a `pyarrow.Schema`; `kind` is the class of its rows.

    Raises:
        UsageError: if pyarrow is not installed.
    """
    with needing("Parquet", "bulk"):
        import pyarrow as pa  # noqa: PLC0415  an extra, and large
    types = {str: pa.string(), int: pa.int64(), bool: pa.bool_()}
    types |= {datetime: pa.timestamp("us", tz="UTC"), list: pa.list_(pa.field("element", pa.string(), nullable=False))}
    missing = nullable(kind)
    return pa.schema([pa.field(name, types[each], name in missing) for name, each in columns_of(kind).items()])


def write_parquet(rows: Iterable[object], path: str | os.PathLike[str], kind: type = Row) -> None:
    """Write rows to a file, which is complete or not there; see `files.replacing`.

    Args:
        rows: in any number.
        path: of the file; an old one is replaced.
        kind: the class of the rows.

    Raises:
        UsageError: if pyarrow is not installed.
        OSError: if it cannot be written.
    """
    columns = schema(kind)
    import pyarrow as pa  # noqa: PLC0415  as above
    import pyarrow.parquet as pq  # noqa: PLC0415

    with replacing(path) as file, pq.ParquetWriter(file, columns, compression="zstd") as writer:
        for group in _groups(rows):
            arrays = {name: [getattr(row, name) for row in group] for name in columns.names}
            writer.write_table(pa.Table.from_pydict(arrays, schema=columns))


def _groups(rows: Iterable[object]) -> Iterator[list[object]]:
    several = iter(rows)
    while group := list(islice(several, _GROUP)):
        yield group
