"""Rows of the bars: columns of ticks, longer bars, and one tick at a time."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from exuvia import bars

from rows import THREADS, Job, row

if TYPE_CHECKING:
    from collections.abc import Callable

TICKS = 5_000_000
MINUTE = 60_000_000_000
DAY = 1_440 * MINUTE
OHLC = ["open", "high", "low", "close"]
DATA = Path(os.environ.get("EXUVIA_DATA") or Path(__file__).resolve().parents[2].parent / "shared" / "data")
OANDA = DATA / "QuantConnect__Lean" / "Data" / "forex" / "oanda" / "tick" / "eurusd"


def real_ticks() -> tuple[np.ndarray, np.ndarray, np.ndarray] | str:
    """Stamps, bids and asks of all Oanda days, one for each stamp, so that every peer agrees on the last."""
    paths = sorted(OANDA.glob("*_quote.zip"))
    if not paths:
        return f"no market data at {OANDA}: set EXUVIA_DATA"
    columns: list[list[np.ndarray]] = [[], [], []]
    for path in paths:
        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
            rows = np.array(list(csv.reader(io.TextIOWrapper(file))), dtype=np.float64)
        day = path.name
        midnight = np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:8]}", "ns").astype(np.int64)
        columns[0].append(midnight + rows[:, 0].astype(np.int64) * 1_000_000)
        columns[1].append(rows[:, 1])
        columns[2].append(rows[:, 2])
    ts, bid, ask = (np.concatenate(column) for column in columns)
    same = np.concatenate([[False], ts[1:] == ts[:-1]])
    return ts[~same], bid[~same], ask[~same]


def five_million() -> tuple[np.ndarray, np.ndarray] | str:
    """The real ticks, again and again three weeks later, until there are five million."""
    ticks = real_ticks()
    if isinstance(ticks, str):
        return ticks
    ts, bid, _ = ticks
    copies = -(-TICKS // len(ts))
    shift = (ts[-1] - ts[0]) // DAY * DAY + DAY
    stamps = np.concatenate([ts + copy * shift for copy in range(copies)])
    return stamps[:TICKS], np.tile(bid, copies)[:TICKS]


def one_busy_day() -> tuple[np.ndarray, np.ndarray]:
    """Five million ticks of a seeded walk within one day."""
    random = np.random.default_rng(20140507)
    ts = np.sort(random.choice(DAY // 1_000, TICKS, replace=False)) * 1_000 + 16_197 * DAY
    return ts, np.round(100 + np.cumsum(random.normal(0, 0.01, TICKS)), 2)


def same_bars(results: dict[str, Any]) -> None:
    """Every arm's columns equal exuvia's, bit for bit."""
    wanted = results["exuvia"]
    for name, made in results.items():
        for column in ["ts", *OHLC, "ticks"]:
            got = as_arrays(made, column)
            assert np.array_equal(got, as_arrays(wanted, column)), (name, column)


def as_arrays(made: Any, column: str) -> np.ndarray:
    table = pa.table(made)
    values = table[column].combine_chunks()
    if column == "ts":
        return values.cast(pa.timestamp("ns")).cast(pa.int64()).to_numpy()
    return values.to_numpy().astype(np.float64 if column in OHLC else np.int64)


def tick_job(ts: np.ndarray, price: np.ndarray) -> Job:
    stamps = ts.view("M8[ns]")
    frame = pl.DataFrame({"ts": stamps, "price": price}).with_columns(pl.col("ts").set_sorted())
    series = pd.Series(price, index=pd.DatetimeIndex(stamps))
    table = pa.table({"ts": stamps, "price": price})
    pa.set_cpu_count(THREADS)
    database = duckdb.connect(config={"threads": THREADS})
    database.register("source", table)
    database.sql("create table ticks as select * from source")
    price_column = pl.col("price")
    aggregates = [
        price_column.first().alias("open"),
        price_column.max().alias("high"),
        price_column.min().alias("low"),
        price_column.last().alias("close"),
        pl.len().alias("ticks"),
    ]

    def with_pandas() -> pd.DataFrame:
        groups = series.resample("1min")
        made = groups.ohlc()
        made["ticks"] = groups.count()
        return made.dropna().rename_axis("ts").reset_index()

    def with_pyarrow() -> pa.Table:
        floored = table.set_column(0, "ts", pc.floor_temporal(table["ts"], unit="minute"))
        # First and last are ordered aggregates: pyarrow does them on one thread only.
        wanted = [("price", how) for how in ("first", "max", "min", "last", "count")]
        made = floored.group_by("ts", use_threads=False).aggregate(wanted)
        # Groups come in no order that is promised.
        return made.rename_columns(["ts", *OHLC, "ticks"]).sort_by("ts")

    # Stamps are distinct, so the first and the last price of a minute are well defined.
    query = """
        select time_bucket(interval '1 minute', ts) as ts, arg_min(price, ts) as open, max(price) as high,
            min(price) as low, arg_max(price, ts) as close, count(*) as ticks
        from ticks group by 1 order by 1
    """
    arms: dict[str, Callable[[], Any]] = {
        "exuvia": lambda: bars.bars_from_ticks(ts, price, every="1m"),
        "polars group_by_dynamic": lambda: frame.group_by_dynamic("ts", every="1m").agg(aggregates),
        "polars lazy": lambda: frame.lazy().group_by_dynamic("ts", every="1m").agg(aggregates).collect(),
        "duckdb time_bucket": lambda: database.sql(query).to_arrow_table(),
        "pandas resample": with_pandas,
        "pyarrow floor and group": with_pyarrow,
        "limit: plain sum of both arrays": lambda: int(ts.sum()) + float(price.sum()),
    }
    return Job(arms, same_bars, limits=["limit: plain sum of both arrays"])


@row("5 M real ticks (Oanda EURUSD bids, repeated) to 1-minute bars", goal="no slower than polars; next 2×")
def real_columns() -> Job | str:
    ticks = five_million()
    return ticks if isinstance(ticks, str) else tick_job(*ticks)


@row("5 M ticks of one simulated day to 1-minute bars", goal="no slower than polars; next 2×")
def busy_columns() -> Job:
    return tick_job(*one_busy_day())


@row("3,000 bars, 1 minute to 5 minutes", goal="under 100 µs")
def longer_bars() -> Job:
    ts = np.arange(3_000) * MINUTE + 16_197 * DAY
    random = np.random.default_rng(7)
    close = np.round(100 + np.cumsum(random.normal(0, 0.01, 3_000)), 2)
    columns = {"ts": ts, "open": close - 0.01, "high": close + 0.05, "low": close - 0.05, "close": close}
    columns["ticks"] = np.full(3_000, 28)
    stamped = columns | {"ts": ts.view("M8[ns]")}
    table = pa.table(stamped)
    polars = pl.DataFrame(stamped).with_columns(pl.col("ts").set_sorted())
    pandas = pd.DataFrame(stamped).set_index("ts")
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "ticks": "sum"}
    aggregates = [getattr(pl.col(name), what)() for name, what in how.items()]
    arms: dict[str, Callable[[], Any]] = {
        "exuvia": lambda: bars.resample(columns, every="5m"),
        "exuvia, from an Arrow table": lambda: bars.resample(table, every="5m"),
        "polars group_by_dynamic": lambda: polars.group_by_dynamic("ts", every="5m").agg(aggregates),
        "pandas resample": lambda: pandas.resample("5min").agg(how).reset_index(),
    }
    return Job(arms, same_bars, limits=["exuvia, from an Arrow table"])


@dataclass(frozen=True, slots=True)
class PlainBar:
    """A bar as a bot in plain Python has it."""

    uic: int
    ts: int
    bid_open: float
    bid_high: float
    bid_low: float
    bid_close: float
    ask_open: float
    ask_high: float
    ask_low: float
    ask_close: float
    ticks: int


class PlainBuilder:
    """Quote bars in plain Python, written for speed: one list for each instrument, no objects on the way."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.open: dict[int, list[Any]] = {}

    def push(self, uic: int, ts: int, bid: float, ask: float) -> PlainBar | None:
        bar = self.open.get(uic)
        if bar is not None and ts < bar[1] + self.every:
            # Comparisons, because a call of max or min costs three times as much.
            if bid > bar[3]:  # noqa: PLR1730 - max is slower
                bar[3] = bid
            if bid < bar[4]:  # noqa: PLR1730 - min is slower
                bar[4] = bid
            if ask > bar[7]:  # noqa: PLR1730 - max is slower
                bar[7] = ask
            if ask < bar[8]:  # noqa: PLR1730 - min is slower
                bar[8] = ask
            bar[5], bar[9] = bid, ask
            bar[10] += 1
            return None
        self.open[uic] = [uic, ts - ts % self.every, bid, bid, bid, bid, ask, ask, ask, ask, 1]
        return None if bar is None else PlainBar(*bar)


@row(
    "Streaming: quote to 1-minute bar, a call a tick (real Oanda EURUSD quotes)",
    goal="4× nautilus_trader",
    threaded=False,
    notes=("nautilus_trader is not among the peers of this run: its newest version needs Python 3.12.",),
)
def streaming() -> Job | str:
    ticks = real_ticks()
    if isinstance(ticks, str):
        return ticks
    rows = list(zip(*(column[:100_000].tolist() for column in ticks), strict=True))

    def drive(push: Callable[[int, int, float, float], Any]) -> list[Any]:
        return [bar for ts, bid, ask in rows if (bar := push(21, ts, bid, ask)) is not None]

    def check(results: dict[str, Any]) -> None:
        names = PlainBar.__slots__
        fields = {name: [[getattr(bar, n) for n in names] for bar in made] for name, made in results.items()}
        assert all(made == fields["exuvia"] and made for made in fields.values())

    arms: dict[str, Callable[[], Any]] = {
        "exuvia": lambda: drive(bars.QuoteBarBuilder("1m").push),
        "plain Python": lambda: drive(PlainBuilder(MINUTE).push),
        "limit: a call that does nothing": lambda: drive(lambda _uic, _ts, _bid, _ask: None),
    }
    return Job(arms, check, limits=["limit: a call that does nothing"], per=len(rows))
