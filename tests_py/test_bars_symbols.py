"""Many symbols in one table: whatever carries them, and however many threads there are, each has its own bars."""

from __future__ import annotations

import threading
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from exuvia import bars
from hypothesis import given
from hypothesis import strategies as st

MINUTE = 60_000_000_000
NAMES = ["ES", "NQ", "EURUSD", "a symbol of more than eight bytes", ""]


def ticks(rows: int, symbols: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    ts = np.sort(random.integers(0, 30 * MINUTE, rows))
    price = np.round(100 + random.normal(0, 1, rows), 2)
    return ts, price, random.integers(0, 50, rows).astype(float), random.integers(0, symbols, rows).astype(np.uint32)


def alone(symbol: Any, *columns: np.ndarray, mask: np.ndarray, **how: Any) -> list[tuple[Any, ...]]:
    table = pl.DataFrame(bars.bars_from_ticks(*(column[mask] for column in columns), **how))
    return [(symbol, *row) for row in table.rows()]


@pytest.mark.parametrize("symbols", [1, 2, 10, 1000])
def test_each_symbol_has_the_bars_that_it_has_alone(symbols: int) -> None:
    ts, price, size, ids = ticks(20_000, symbols)
    wanted = [
        row
        for symbol in np.unique(ids).tolist()
        for row in alone(symbol, ts, price, size, mask=ids == symbol, every="1m")
    ]
    for threads in (1, 2, 3, 8):
        made = bars.bars_from_ticks(ts, price, size, every="1m", by=ids, threads=threads)
        assert pl.DataFrame(made).rows() == wanted, threads


def carriers(names: list[str]) -> dict[str, Any]:
    return {
        "text": pa.array(names),
        "large text": pa.array(names, pa.large_string()),
        "views of text": pa.array(names, pa.string_view()),
        "dictionary": pa.array(names).dictionary_encode(),
        "chunks": pa.chunked_array([names[:2], names[2:]]),
        "a slice": pa.array(["x", *names, "y"])[1:-1],
        "a slice of a dictionary": pa.array(["x", *names, "y"]).dictionary_encode()[1:-1],
        "polars": pl.Series(names),
        "polars categorical": pl.Series(names, dtype=pl.Categorical),
        "polars enum": pl.Series(names, dtype=pl.Enum(NAMES)),
        "pandas": pd.Series(names, dtype="str"),
        "pandas category": pd.Series(names, dtype="category"),
    }


@pytest.mark.parametrize("kind", list(carriers(NAMES)))
def test_names_may_come_as_any_kind_of_text(kind: str) -> None:
    names = [NAMES[n % 5] for n in range(40)]
    ts, price = np.arange(40) * 10**10, np.arange(40.0)
    made = pa.table(bars.bars_from_ticks(ts, price, every="1m", by=carriers(names)[kind]))
    rows = list(
        zip(made["symbol"].to_pylist(), made["ts"].cast(pa.int64()).to_pylist(), made["open"].to_pylist(), strict=True)
    )
    first: dict[tuple[str, int], float] = {}
    for name, at, value in zip(names, ts.tolist(), price.tolist(), strict=True):
        first.setdefault((name, at // MINUTE * MINUTE), value)
    assert rows == [(*key, value) for key, value in sorted(first.items())]


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        (np.array([7, 3, 7], np.uint32), "uint32"),
        (np.array([7, 3, 7], np.int64), "int64"),
        (np.array([7, 3, 7], np.int32), "int32"),
        (np.array([4_000_000_000, 3, 4_000_000_000], np.uint32), "uint32"),
        (np.array([2**62, -5, 2**62], np.int64), "int64"),
        (np.array([-7, -70_000_000, -7], np.int32), "int32"),
        (np.array([9, 7, 1, 3, 1, 7], np.int64)[1::2], "int64"),
        (pa.array([None, 7, 3, 7], pa.uint32())[1:], "uint32"),
    ],
)
def test_numbers_keep_their_type_and_come_in_order(ids: Any, kind: str) -> None:
    made = pl.DataFrame(bars.bars_from_ticks(np.arange(3), np.ones(3), every="1m", by=ids))
    numbers = sorted(np.unique(pa.array(ids).to_numpy()).tolist())
    assert made["symbol"].to_list() == numbers
    assert str(made["symbol"].dtype).lower() == kind


@pytest.mark.parametrize(
    "make", [pa.table, pl.DataFrame, pd.DataFrame, lambda columns: duckdb.from_arrow(pa.table(columns))]
)
def test_a_table_names_its_column_of_symbols(make: Any) -> None:
    columns = {"ts": [0, 1, MINUTE], "price": [1.0, 2.0, 3.0], "size": [1.0] * 3, "ticker": ["b", "a", "b"]}
    made = pl.DataFrame(bars.bars_from_ticks(make(columns), every="1m", by="ticker"))
    assert made["ticker"].to_list() == ["a", "b", "b"]
    assert made["close"].to_list() == [2.0, 1.0, 3.0]


@given(st.integers(1, 5), st.integers(0, 400), st.sampled_from(["time", "symbol", "random"]), st.booleans())
def test_longer_bars_of_many_symbols_are_those_of_each(symbols: int, rows: int, order: str, quotes: bool) -> None:
    ts, price, size, ids = ticks(rows, symbols, rows)
    if quotes:
        short = pl.DataFrame(bars.quote_bars_from_ticks(ts, price, price + 0.5, every="1m", by=ids))
    else:
        short = pl.DataFrame(bars.bars_from_ticks(ts, price, size, every="1m", by=ids))
    if order == "time":
        short = short.sort("ts", "symbol")
    elif order == "random":
        # Symbols in pieces, each in order of time: neither sorted nor grouped.
        short = (
            short.with_columns(part=pl.col("ts").dt.epoch("ns") // (7 * MINUTE))
            .sort("symbol", "ts")
            .sort("part", "symbol", "ts")
            .drop("part")
        )
    wanted = pl.concat(
        [
            pl.DataFrame(bars.resample(mine.drop("symbol"), every="5m")).select(
                pl.lit(symbol, pl.UInt32).alias("symbol"), pl.all()
            )
            for symbol in range(symbols)
            if len(mine := short.filter(pl.col("symbol") == symbol)) or symbol == 0
        ]
    )
    for threads in (1, 3):
        made = pl.DataFrame(bars.resample(short, every="5m", by="symbol", threads=threads))
        assert made.equals(wanted)


def test_no_rows_make_a_table_with_all_columns() -> None:
    none = np.array([], np.int64)
    made = pl.DataFrame(bars.bars_from_ticks(none, none.astype(float), none.astype(float), every="1m", by=none))
    assert made.columns == ["symbol", "ts", "open", "high", "low", "close", "volume", "ticks"]
    assert len(made) == 0


def test_other_threads_run_while_bars_are_made() -> None:
    ts, price, size, ids = ticks(2_000_000, 50)
    beats, done = [0], threading.Event()

    def beat() -> None:
        while not done.is_set():
            beats[0] += 1

    other = threading.Thread(target=beat)
    other.start()
    try:
        before = beats[0]
        for _ in range(5):
            bars.bars_from_ticks(ts, price, size, every="1m", by=ids, threads=2)
        ran = beats[0] - before
    finally:
        done.set()
        other.join()
    assert ran > 100
