"""The bar archive: Parquet with one fixed schema, one folder for each UTC day."""

from __future__ import annotations

from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from .files import write_atomic
from .model import Bar

if TYPE_CHECKING:
    from collections.abc import Sequence

_PRICES = [f"{side}_{price}" for side in ("bid", "ask") for price in ("open", "high", "low", "close")]
SCHEMA = pa.schema(
    [
        pa.field("uic", pa.int32(), nullable=False),
        pa.field("ts", pa.timestamp("ns", tz="UTC"), nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in _PRICES),
        pa.field("ticks", pa.int64(), nullable=False),
    ]
)


class ArchiveError(ValueError):
    """Bars do not fit the archive's schema, or a file is not of it."""


def encode_bars(bars: Sequence[Bar]) -> bytes:
    """Return the bars as the bytes of a Parquet file (zstd).

    Raises:
        ArchiveError: if a value does not fit its column.
    """
    columns = []
    for field in SCHEMA:
        try:
            columns.append(pa.array(map(attrgetter(field.name), bars), type=field.type))
        except (pa.ArrowException, OverflowError, TypeError) as error:
            raise ArchiveError(f"column {field.name!r} cannot hold these bars: {error}") from error
        if columns[-1].null_count:
            raise ArchiveError(f"column {field.name!r} has {columns[-1].null_count} missing values")
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), sink, compression="zstd")
    return bytes(sink.getvalue())


def decode_bars(data: bytes) -> list[Bar]:
    """Return the bars of a Parquet file given as bytes.

    Raises:
        ArchiveError: if the bytes are not Parquet, or their schema is another one.
    """
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        raise ArchiveError(f"{len(data)} bytes are not a Parquet file: {error}") from error
    if not table.schema.equals(SCHEMA):
        raise ArchiveError(f"columns are {list(table.schema)}, expected {list(SCHEMA)}")
    columns = table.set_column(1, "ts", table["ts"].cast(pa.int64())).columns
    return [Bar(*row) for row in zip(*(column.to_pylist() for column in columns), strict=True)]


def write_eod(folder: Path | str, day: str, name: str, bars: Sequence[Bar]) -> Path:
    """Write the bars of a day atomically to `folder/date=DAY/NAME.parquet` and return that path."""
    path = Path(folder) / f"date={date.fromisoformat(day)}" / f"{name}.parquet"
    write_atomic(path, encode_bars(bars))
    return path


def read_eod(path: Path | str) -> list[Bar]:
    """Return the bars of an archive file.

    Raises:
        FileNotFoundError: if there is none.
        ArchiveError: if it is not of the archive.
    """
    try:
        return decode_bars(Path(path).read_bytes())
    except ArchiveError as error:
        raise ArchiveError(f"{path}: {error}") from error
