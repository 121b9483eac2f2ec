"""The bar archive: Parquet with one fixed schema, one folder for each UTC day."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from operator import attrgetter
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]  # it has no stubs
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it has no stubs

from .model import Bar
from .state import write_atomic

_TYPES = {"uic": pa.int32(), "ts": pa.timestamp("ns", tz="UTC"), "ticks": pa.int64()}
SCHEMA = pa.schema([pa.field(f.name, _TYPES.get(f.name, pa.float64()), nullable=False) for f in fields(Bar)])


class ArchiveError(ValueError):
    """Bars do not fit the archive's schema."""


def encode_bars(bars: Sequence[Bar]) -> bytes:
    """Return the bars as the bytes of a Parquet file (zstd); ArchiveError if a value does not fit its column."""
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


def write_eod(folder: Path | str, day: str, name: str, bars: Sequence[Bar]) -> Path:
    """Write the bars of a day atomically to `folder/date=DAY/NAME.parquet` and return that path."""
    path = Path(folder) / f"date={date.fromisoformat(day)}" / f"{name}.parquet"
    write_atomic(path, encode_bars(bars))
    return path


def read_eod(path: Path | str) -> list[Bar]:
    """Return the bars of an archive file; ArchiveError if it is no Parquet file or of another schema."""
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, ValueError) as error:
        raise ArchiveError(f"{path}: not a Parquet file: {error}") from error
    if not table.schema.equals(SCHEMA):
        raise ArchiveError(f"{path}: columns are {table.schema.names}, or their types differ from the archive's")
    columns = [(c.cast(pa.int64()) if pa.types.is_timestamp(c.type) else c).to_pylist() for c in table.columns]
    return [Bar(*row) for row in zip(*columns, strict=True)]
