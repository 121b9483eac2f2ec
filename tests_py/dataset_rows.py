"""What the tests of datasets share: a plain schema, rows of it, and a folder with closed segments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from exuvia import lake

__all__ = ["DAY", "PLAIN", "START", "SYMBOL", "TS", "VALUE", "flushed", "replaced", "rows", "segment", "values"]

START = 1_770_076_800 * 10**9  # 2026-02-03
DAY = 86_400 * 10**9
TS = pa.field("ts", pa.timestamp("ns", "UTC"), nullable=False)
SYMBOL = pa.field("symbol", pa.string(), nullable=False)
VALUE = pa.field("value", pa.float64())
PLAIN = pa.schema([SYMBOL, TS, VALUE])


def rows(*numbers: int, schema: pa.Schema = PLAIN, symbol: str = "A") -> pa.Table:
    """A row for each number: so many seconds after midnight."""
    stamps = pa.array([START + n * 10**9 for n in numbers]).cast(schema.field("ts").type)
    columns = {"symbol": [symbol] * len(numbers), "ts": stamps, "value": [float(n) for n in numbers]}
    return pa.table({name: columns[name] for name in schema.names if name in columns}, schema=schema)


def values(scan: Any) -> list[float]:
    return sorted(pa.table(scan)["value"].to_pylist())


def replaced(field: pa.Field) -> pa.Schema:
    return pa.schema([field if old.name == field.name else old for old in PLAIN])


def segment(made: lake.Dataset) -> Path:
    (path,) = Path(made.root, "_exuvia", "open").glob("*.seg")
    return path


def flushed(folder: Path, *parts: tuple[int, ...]) -> lake.Dataset:
    made = lake.Dataset.create(folder, PLAIN)
    with made.writer() as writer:
        for part in parts:
            writer.append(rows(*part))
            writer.flush()
    return made
