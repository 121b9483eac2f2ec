"""Rows of the bars for many symbols at once, for longer bars within sessions, and for streams that come in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from exuvia import bars
from exuvia.sessions import Calendar

from rows import THREADS, Job, row
from rows.bars import MINUTE, OHLC, PlainBuilder, as_arrays, five_million, real_ticks

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 1_000
HOW = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "ticks": "sum"}


def same_bars_by_symbol(results: dict[str, Any]) -> None:
    """Every arm's columns equal exuvia's, bit for bit, once they are in order of symbol and time."""
    wanted = results["exuvia"]
    for name, made in results.items():
        table = pa.table(made)
        table = table.sort_by([("symbol", "ascending"), ("ts", "ascending")])
        for column in ["symbol", "ts", *OHLC, "ticks"]:
            got, want = as_arrays(table, column), as_arrays(wanted, column)
            assert np.array_equal(got, want), (name, column)


def interleaved(symbols: int) -> Job | str:
    """The real ticks, each given to one of so many symbols by chance."""
    found = five_million()
    if isinstance(found, str):
        return found
    ts, price = found
    symbol = np.random.default_rng(symbols).integers(0, symbols, len(ts)).astype(np.uint32)
    stamps = ts.view("M8[ns]")
    frame = pl.DataFrame({"symbol": symbol, "ts": stamps, "price": price}).with_columns(pl.col("ts").set_sorted())
    pandas = pd.DataFrame({"symbol": symbol, "ts": stamps, "price": price})
    database = duckdb.connect(config={"threads": THREADS})
    database.register("source", frame.to_arrow())
    database.sql("create table ticks as select * from source")
    column = pl.col("price")
    aggregates = [
        column.first().alias("open"),
        column.max().alias("high"),
        column.min().alias("low"),
        column.last().alias("close"),
        pl.len().alias("ticks"),
    ]
    truncated = frame.lazy().with_columns(pl.col("ts").dt.truncate("1m")).group_by("symbol", "ts").agg(aggregates)
    query = """
        select symbol, time_bucket(interval '1 minute', ts) as ts, arg_min(price, ts) as open, max(price) as high,
            min(price) as low, arg_max(price, ts) as close, count(*) as ticks
        from ticks group by 1, 2
    """

    def with_pandas() -> pd.DataFrame:
        groups = pandas.groupby(["symbol", pandas["ts"].dt.floor("1min")], sort=False)["price"]
        made = groups.agg(["first", "max", "min", "last", "count"])
        return made.set_axis([*OHLC, "ticks"], axis=1).reset_index()

    arms: dict[str, Callable[[], Any]] = {
        "exuvia": lambda: bars.bars_from_ticks(ts, price, every="1m", by=symbol, threads=THREADS),
        "polars streaming, truncate and group_by": lambda: truncated.collect(engine="streaming"),
        "duckdb time_bucket": lambda: database.sql(query).to_arrow_table(),
        "pandas groupby": with_pandas,
        "limit: plain sum of the arrays": lambda: int(ts.sum()) + float(price.sum()) + int(symbol.sum()),
    }
    if symbols <= 10:
        # Of 1,000 symbols it makes 1.4 M bars in 9 s, a hundred times what the others need.
        groups = frame.group_by_dynamic("ts", every="1m", group_by="symbol")
        arms["polars group_by_dynamic"] = lambda: groups.agg(aggregates)
    return Job(arms, same_bars_by_symbol, limits=["limit: plain sum of the arrays"])


@row("5 M real ticks of 10 interleaved symbols to 1-minute bars", goal="3× the best")
def ten_symbols() -> Job | str:
    return interleaved(10)


@row("5 M real ticks of 1,000 interleaved symbols to 1-minute bars", goal="3× the best")
def thousand_symbols() -> Job | str:
    return interleaved(1_000)


def session_minutes() -> dict[str, np.ndarray]:
    """One-minute bars of a seeded walk in the sessions of New York from 2023 to 2025, early closes and all."""
    xnys = Calendar("XNYS")
    days = pd.date_range("2023-01-01", "2025-12-31").date
    sessions = [session for day in days if (session := xnys.session(day)) is not None]
    ts = np.concatenate([np.arange(session.open, session.close, MINUTE) for session in sessions])
    random = np.random.default_rng(20231124)
    close = np.round(400 + np.cumsum(random.normal(0, 0.05, len(ts))), 2)
    columns = {"ts": ts, "open": close - 0.01, "high": close + 0.05, "low": close - 0.05, "close": close}
    return columns | {"volume": random.integers(1, 999, len(ts)).astype(float), "ticks": np.full(len(ts), 28)}


def same_longer_bars(results: dict[str, Any]) -> None:
    """Every length equals exuvia's in every column; a day's stamp is its open for exuvia, midnight for the others."""
    for name, tables in results.items():
        for length, made in tables.items():
            for column in ["ts", *OHLC, "volume", "ticks"]:
                got, want = as_arrays(made, column), as_arrays(results["exuvia"][length], column)
                if column == "ts" and length == "1d":
                    assert len(got) == len(want)
                    continue
                assert np.array_equal(got, want), (name, length, column)


@row("Bars of 1 minute to 5 m, 15 m, 1 h and 1 d within New York's sessions (292,000 bars)", goal="3×")
def within_sessions() -> Job:
    columns = session_minutes()
    stamped = columns | {"ts": columns["ts"].view("M8[ns]")}
    table = pa.table(stamped)
    zone = "America/New_York"
    polars = pl.DataFrame(stamped).with_columns(
        pl.col("ts").dt.replace_time_zone("UTC").dt.convert_time_zone(zone).set_sorted()
    )
    pandas = pd.DataFrame(stamped).set_index("ts").tz_localize("UTC").tz_convert(zone)
    aggregates = [getattr(pl.col(name), how)() for name, how in HOW.items()]
    lengths = {"5m": ("5min", "0m"), "15m": ("15min", "0m"), "1h": ("1h", "30m"), "1d": ("1D", "0m")}

    def with_polars() -> dict[str, Any]:
        return {
            every: polars.group_by_dynamic("ts", every=every, offset=offset).agg(aggregates)
            for every, (_, offset) in lengths.items()
        }

    def with_pandas() -> dict[str, Any]:
        made = {}
        for every, (rule, offset) in lengths.items():
            options = {} if rule == "1D" else {"offset": offset.replace("m", "min")}
            made[every] = pandas.resample(rule, **options).agg(HOW).dropna().reset_index()
        return made

    arms: dict[str, Callable[[], Any]] = {
        "exuvia": lambda: {every: bars.resample(columns, every=every, calendar="XNYS") for every in lengths},
        "exuvia, from an Arrow table": lambda: {
            every: bars.resample(table, every=every, calendar="XNYS") for every in lengths
        },
        "polars group_by_dynamic": with_polars,
        "pandas resample": with_pandas,
    }
    return Job(arms, same_longer_bars, limits=["exuvia, from an Arrow table"])


@row(
    "Streaming: quotes of 10 instruments to 1-minute bars, in batches of 1,000 (real Oanda EURUSD quotes)",
    goal="40× nautilus_trader",
    threaded=False,
    notes=("nautilus_trader is not among the peers of this run: its newest version needs Python 3.12.",),
)
def streaming_batches() -> Job | str:
    ticks = real_ticks()
    if isinstance(ticks, str):
        return ticks
    ts, bid, ask = (np.ascontiguousarray(column[:100_000]) for column in ticks)
    uic = np.random.default_rng(10).integers(0, 10, len(ts))
    batches = [tuple(column[at : at + BATCH] for column in (uic, ts, bid, ask)) for at in range(0, len(ts), BATCH)]
    rows = list(zip(uic.tolist(), ts.tolist(), bid.tolist(), ask.tolist(), strict=True))

    def by_batch() -> list[Any]:
        push = bars.QuoteBarBuilder("1m").push_columns
        return [push(*batch) for batch in batches]

    def by_call(push: Callable[[int, int, float, float], Any]) -> list[Any]:
        return [bar for tick in rows if (bar := push(*tick)) is not None]

    def check(results: dict[str, Any]) -> None:
        tables = pa.concat_tables([pa.table(table) for table in results["exuvia"]])
        wanted = list(zip(*(as_arrays(tables, name).tolist() for name in ("uic", "ts", "ticks")), strict=True))
        prices = list(zip(tables["bid_open"].to_pylist(), tables["ask_close"].to_pylist(), strict=True))
        for made in (made for name, made in results.items() if name != "exuvia"):
            assert [(bar.uic, bar.ts, bar.ticks) for bar in made] == wanted
            assert [(bar.bid_open, bar.ask_close) for bar in made] == prices
        assert wanted

    arms: dict[str, Callable[[], Any]] = {
        "exuvia": by_batch,
        "exuvia, a call a tick": lambda: by_call(bars.QuoteBarBuilder("1m").push),
        "plain Python": lambda: by_call(PlainBuilder(MINUTE).push),
    }
    return Job(arms, check, limits=["exuvia, a call a tick"], per=len(rows))
