"""Rows of the lake: the same tables into Parquet by exuvia, pyarrow, polars and DuckDB; a day into a dataset."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from exuvia import bars, lake

from rows import THREADS, Job, row
from rows.bars import real_ticks

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 1_000_000
GOAL = "1.2× the best peer, file at most 1.02× pyarrow's"


def parquet_job(table: pa.Table) -> Job:
    """Bytes of a file by each writer: zstd 3, one row group, the same rows."""
    frame = pl.DataFrame(table)
    groups = table.num_rows
    folder = tempfile.TemporaryDirectory()
    database = duckdb.connect(config={"threads": THREADS})
    database.register("source", table)
    path = Path(folder.name, "duckdb.parquet")

    def by_pyarrow() -> bytes:
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd", compression_level=3, row_group_size=groups)
        return sink.getvalue()

    def by_polars() -> bytes:
        sink = io.BytesIO()
        frame.write_parquet(sink, compression="zstd", compression_level=3, row_group_size=groups)
        return sink.getvalue()

    def by_duckdb() -> bytes:
        how = f"format parquet, compression zstd, compression_level 3, row_group_size {groups}"
        database.execute(f"copy source to '{path}' ({how})")
        return path.read_bytes()

    def check(results: dict[str, Any]) -> None:
        assert folder.name
        for name, data in results.items():
            # DuckDB keeps microseconds: nanoseconds with a zone it cannot hold.
            read = pq.read_table(io.BytesIO(data)).cast(table.schema, safe=not name.startswith("duckdb"))
            assert read.num_rows == table.num_rows, name
            assert name.startswith("duckdb") or read.equals(table), name
        for name in (name for name in results if name != "exuvia"):
            ratio = len(results["exuvia"]) / len(results[name])
            print(f"size of the file beside that of {name}: {ratio:.3f}×", file=sys.stderr)

    arms: dict[str, Callable[[], Any]] = {
        "exuvia": lambda: lake.encode_parquet(table, level=3, row_group_rows=groups, threads=THREADS),
        "pyarrow": by_pyarrow,
        "polars": by_polars,
        "duckdb, to a file": by_duckdb,
    }
    return Job(arms, check)


@row("Real ticks (Oanda EURUSD, repeated to 1 M) into Parquet bytes, zstd 3", goal=GOAL)
def real_ticks_to_parquet() -> Job | str:
    """Stamps, bids and asks as they came."""
    ticks = real_ticks()
    if isinstance(ticks, str):
        return ticks
    ts, bid, ask = (np.resize(column, ROWS) for column in ticks)
    columns = {"ts": pa.array(ts, pa.timestamp("ns", "UTC")), "bid": bid, "ask": ask}
    return parquet_job(pa.table(columns))


@row("1 M minute bars into Parquet bytes, zstd 3", goal=GOAL)
def bars_to_parquet() -> Job:
    """Bars of a seeded walk."""
    ts = np.arange(ROWS, dtype=np.int64) * 60_000_000_000
    price = np.round(1.39 + np.cumsum(np.random.default_rng(7).normal(0, 1e-5, ts.size)), 5)
    return parquet_job(pa.table(bars.bars_from_ticks(ts, price, every="1m")))


@row("1 M quotes of 500 symbols into Parquet bytes, zstd 3", goal=GOAL)
def quotes_to_parquet() -> Job:
    """Sorted by symbol and time, as the lake has them."""
    dice = np.random.default_rng(3)
    symbols = np.repeat(np.arange(500), ROWS // 500)
    day = 1_770_076_800 * 10**9
    stamps = np.sort(dice.integers(0, 86_400 * 10**9, ROWS).reshape(500, -1), axis=1).ravel()
    bid = np.round(100 + np.cumsum(dice.normal(0, 0.01, ROWS)), 2)
    columns = {
        "symbol": pa.array([f"SYM{n:03}" for n in range(500)]).take(pa.array(symbols)),
        "ts": pa.array(day + stamps, pa.timestamp("ns", "UTC")),
        "bid": bid,
        "ask": bid + 0.02,
        "bid_size": dice.integers(1, 50, ROWS) * 100.0,
        "ask_size": dice.integers(1, 50, ROWS) * 100.0,
    }
    return parquet_job(pa.table(columns))
