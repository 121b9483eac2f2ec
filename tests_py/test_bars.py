"""Bars against models that are not exuvia: plain Python, and pandas."""

from __future__ import annotations

import inspect
import math
import pickle
from dataclasses import dataclass

import arro3.core
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from exuvia import bars
from exuvia.errors import BarError
from hypothesis import given
from hypothesis import strategies as st

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
OHLC = ["open", "high", "low", "close"]
QUOTE_COLUMNS = [f"{side}_{name}" for side in ("bid", "ask") for name in OHLC]

# Few values, zeros of both signs among them: equal prices and signs of zero are where kernels differ.
PRICES = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 1.5, -2.25]),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12),
)
STAMPS = st.lists(st.integers(-300, 300), max_size=120).map(lambda s: [t * SECOND // 7 for t in sorted(s)])
EVERY = st.sampled_from([1, SECOND // 7, SECOND, 5 * SECOND, 7 * SECOND, MINUTE])
OFFSET = st.integers(-2 * MINUTE, 2 * MINUTE)


@dataclass(frozen=True, slots=True)
class LegacyBar:
    """A bar class of a bot that knows nothing of exuvia."""

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


@dataclass(frozen=True)
class Quote:
    """A quote with more than the builder needs."""

    uic: int
    ts: int
    bid: float
    ask: float
    market_state: str = "Open"


def bits(values: object) -> list[int]:
    return np.asarray(values, np.float64).view(np.int64).tolist()


def ohlc_by_hand(values: list[float]) -> tuple[float, float, float, float]:
    high = low = values[0]
    for value in values:
        high = value if value > high else high
        low = value if value < low else low
    return values[0], high, low, values[-1]


def groups(ts: list[int], every: int, offset: int = 0) -> dict[int, list[int]]:
    """Rows of each interval, by its start."""
    found: dict[int, list[int]] = {}
    for row, stamp in enumerate(ts):
        found.setdefault((stamp - offset) // every * every + offset, []).append(row)
    return found


@given(STAMPS, EVERY, OFFSET, st.data())
def test_columns_equal_a_loop_in_plain_python(ts: list[int], every: int, offset: int, data: st.DataObject) -> None:
    rows = st.lists(PRICES, min_size=len(ts), max_size=len(ts))
    price, size = data.draw(rows), [abs(value) for value in data.draw(rows)]
    made = bars.columns(
        bars.bars_from_ticks(np.array(ts, np.int64), np.array(price), np.array(size), every=f"{every}ns", offset=offset)
    )
    wanted = groups(ts, every, offset)
    assert made["ts"].tolist() == list(wanted)
    assert made["ticks"].tolist() == [len(rows) for rows in wanted.values()]
    by_hand = [ohlc_by_hand([price[row] for row in rows]) for rows in wanted.values()]
    for index, name in enumerate(OHLC):
        assert bits(made[name]) == bits([bar[index] for bar in by_hand]), name
    assert bits(made["volume"]) == bits([sum((size[row] for row in rows), 0.0) for rows in wanted.values()])


@given(STAMPS, st.sampled_from(["1s", "5s", "1min"]), st.data())
def test_columns_equal_pandas_resample(ts: list[int], rule: str, data: st.DataObject) -> None:
    price = data.draw(st.lists(PRICES, min_size=len(ts), max_size=len(ts)))
    index = pd.DatetimeIndex(np.array(ts, "M8[ns]"), tz="UTC")
    series = pd.Series(price, index=index, dtype=float)
    wanted = series.resample(rule).ohlc().dropna()
    made = bars.columns(
        bars.bars_from_ticks(np.array(ts, np.int64), np.array(price, float), every=rule.replace("min", "m"))
    )
    assert made["ts"].tolist() == wanted.index.astype("datetime64[ns, UTC]").asi8.tolist()
    for name in OHLC:
        assert made[name].tolist() == wanted[name].tolist(), name


@given(STAMPS, EVERY, OFFSET, st.data())
def test_a_call_a_tick_equals_the_columns(ts: list[int], every: int, offset: int, data: st.DataObject) -> None:
    rows = st.lists(PRICES, min_size=len(ts), max_size=len(ts))
    bid, ask = data.draw(rows), data.draw(rows)
    builder = bars.QuoteBarBuilder(f"{every}ns", offset=offset)
    closed = [bar for tick in zip(ts, bid, ask, strict=True) if (bar := builder.push(7, *tick)) is not None]
    closed += builder.flush()
    made = bars.columns(
        bars.quote_bars_from_ticks(
            np.array(ts, np.int64), np.array(bid), np.array(ask), every=f"{every}ns", offset=offset
        )
    )
    for name in ["ts", "ticks"]:
        assert made[name].tolist() == [getattr(bar, name) for bar in closed]
    for name in QUOTE_COLUMNS:
        assert bits(made[name]) == bits([getattr(bar, name) for bar in closed]), name
    assert builder.late == 0


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(-40, 40), PRICES, PRICES)),
    st.sampled_from(["into_current", "drop", "reject"]),
)
def test_late_quotes_of_many_instruments_go_where_the_policy_says(
    ticks: list[tuple[int, int, float, float]], policy: str
) -> None:
    builder = bars.QuoteBarBuilder("10ns", late=policy)
    open_bars: dict[int, tuple[int, list[float], list[float]]] = {}
    closed: list[tuple[int, int, float, float, int]] = []
    wanted: list[tuple[int, int, float, float, int]] = []
    late = disordered = 0
    newest: dict[int, int] = {}

    def summary(uic: int) -> tuple[int, int, float, float, int]:
        start, bids, asks = open_bars[uic]
        return uic, start, max(bids), asks[-1], len(bids)

    def seen(bar: bars.QuoteBar) -> tuple[int, int, float, float, int]:
        return bar.uic, bar.ts, bar.bid_high, bar.ask_close, bar.ticks

    for uic, ts, bid, ask in ticks:
        start = ts // 10 * 10
        is_late = uic in open_bars and start < open_bars[uic][0]
        is_disordered = uic in open_bars and start == open_bars[uic][0] and ts < newest[uic]
        late, disordered = late + is_late, disordered + is_disordered
        if (is_late or is_disordered) and policy == "reject":
            with pytest.raises(BarError, match="is late" if is_late else "is out of order: the open bar has a tick at"):
                builder.push(uic, ts, bid, ask)
            continue
        bar = builder.push(uic, ts, bid, ask)
        if bar is not None:
            closed.append(seen(bar))
        if (is_late or is_disordered) and policy == "drop":
            continue
        if not is_late and not is_disordered:
            newest[uic] = ts
        if uic in open_bars and start > open_bars[uic][0]:
            wanted.append(summary(uic))
            del open_bars[uic]
        _, bids, asks = open_bars.setdefault(uic, (start, [], []))
        bids.append(bid)
        asks.append(ask)
    wanted += [summary(uic) for uic in sorted(open_bars)]
    closed += [seen(bar) for bar in builder.flush()]
    assert closed == wanted
    assert (builder.late, builder.disordered) == (late, disordered)
    assert builder.flush() == []


def legacy_bars(draw: st.DataObject, ts: list[int]) -> list[LegacyBar]:
    eight = st.lists(PRICES, min_size=8, max_size=8)
    return [LegacyBar(draw.draw(st.integers(1, 3)), t, *draw.draw(eight), draw.draw(st.integers(1, 9))) for t in ts]


@given(STAMPS.map(lambda ts: ts[:30]), EVERY, st.data())
def test_bar_objects_become_longer_bars_of_the_callers_class(ts: list[int], every: int, data: st.DataObject) -> None:
    source = legacy_bars(data, ts)
    wanted = []
    for uic in sorted({bar.uic for bar in source}):
        mine = [bar for bar in source if bar.uic == uic]
        for start, rows in groups([bar.ts for bar in mine], every).items():
            part = [mine[row] for row in rows]
            sides = []
            for side in ("bid", "ask"):
                sides += [
                    getattr(part[0], f"{side}_open"),
                    ohlc_by_hand([getattr(bar, f"{side}_high") for bar in part])[1],
                    ohlc_by_hand([getattr(bar, f"{side}_low") for bar in part])[2],
                    getattr(part[-1], f"{side}_close"),
                ]
            wanted.append(LegacyBar(uic, start, *sides, sum(bar.ticks for bar in part)))
    # Stamps at random: bars of one nanosecond, which lie whole in any interval.
    assert bars.aggregate(source, f"{every}ns", LegacyBar, of="1ns") == wanted
    mine = [bars.QuoteBar(*(getattr(b, f) for f in LegacyBar.__slots__)) for b in source]
    own = bars.aggregate(mine, f"{every}ns", of="1ns")
    assert [repr(bar) for bar in own] == [repr(bar).replace("LegacyBar", "QuoteBar") for bar in wanted]


def test_a_record_class_and_quote_objects_of_the_caller_are_used_as_they_are() -> None:
    builder = bars.QuoteBarBuilder("1m", record=LegacyBar)
    assert builder.push_quote(Quote(21, 0, 1.0, 1.5)) is None
    assert builder.push_quote(Quote(21, 1, 0.5, 2.0)) is None
    closed = LegacyBar(21, 0, 1.0, 1.0, 0.5, 0.5, 1.5, 2.0, 1.5, 2.0, 2)
    assert builder.push_quote(Quote(21, MINUTE, 1.0, 1.5)) == closed
    assert [type(bar) for bar in builder.flush()] == [LegacyBar]
    with pytest.raises(AttributeError, match="ask"):
        builder.push_quote(type("Half", (), {"uic": 1, "ts": 2, "bid": 1.0})())


def test_trades_make_bars_with_volume() -> None:
    builder = bars.TradeBarBuilder("1m")
    assert builder.push(1, 0, 10.0, 2.0) is None
    assert builder.push(1, 1, 11.0, 3.0) is None
    assert builder.push(1, MINUTE, 9.0, 1.0) == bars.Bar(1, 0, 10.0, 11.0, 10.0, 11.0, 5.0, 2)
    assert builder.flush() == [bars.Bar(1, MINUTE, 9.0, 9.0, 9.0, 9.0, 1.0, 1)]
    assert builder.late == 0


def producers() -> dict[str, object]:
    frame = {"ts": [0, 1, MINUTE], "price": [1.0, 2.0, 3.0], "size": [1.0, 1.0, 1.0]}
    table = pa.table(frame)
    polars = pl.DataFrame(frame)
    return {
        "dict": {name: np.array(column) for name, column in frame.items()},
        "pyarrow": table,
        "pyarrow batch": table.to_batches()[0],
        "polars": polars,
        "polars in chunks": pl.concat([polars[:1], polars[1:]], rechunk=False),
        "pandas": pd.DataFrame(frame),
        "arro3": arro3.core.Table.from_arrow(table),
        "duckdb": duckdb.sql("select * from polars"),
        "timestamps": table.set_column(0, "ts", table["ts"].cast(pa.timestamp("ns", "UTC"))),
    }


@pytest.mark.parametrize("name", list(producers()))
def test_any_producer_of_tables_is_taken(name: str) -> None:
    made = bars.bars_from_ticks(producers()[name], every="1m")
    assert isinstance(made, arro3.core.Table)
    assert pa.table(made).to_pydict()["close"] == [2.0, 3.0]
    assert pa.table(made)["volume"].to_pylist() == [2.0, 1.0]
    assert pa.table(made).schema.field("ts").type == pa.timestamp("ns", "UTC")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_stamps_of_every_unit_mean_the_same(unit: str) -> None:
    nanos = np.array([0, SECOND, MINUTE], np.int64)
    stamps = nanos.view("M8[ns]").astype(f"M8[{unit}]")
    price = np.array([1.0, 2.0, 3.0])
    wanted = bars.bars_from_ticks(nanos, price, every="1m")
    for column in (stamps, pa.array(stamps), pd.Series(stamps)):
        assert bars.bars_from_ticks(column, price, every=MINUTE) == wanted


def test_memory_is_shared_both_ways() -> None:
    made = bars.bars_from_ticks(np.array([0, 1], np.int64), np.array([1.0, 2.0]), every="1m")
    columns = bars.columns(made)
    again = bars.columns(made)
    assert np.shares_memory(columns["open"], again["open"])
    assert not columns["open"].flags.writeable
    assert columns["open"].base is not None
    assert np.shares_memory(columns["high"], np.asarray(pa.table(made)["high"].chunk(0)))
    del made, again
    assert columns["open"].tolist() == [1.0]


def test_views_with_strides_are_taken_too() -> None:
    ts, price = np.arange(20, dtype=np.int64)[::2], np.arange(20, dtype=np.float64)[::-2]
    made = bars.columns(bars.bars_from_ticks(ts, price, every="10ns"))
    assert made["open"].tolist() == [19.0, 9.0]


def test_no_rows_make_no_bars() -> None:
    none = np.array([], np.int64)
    assert len(bars.bars_from_ticks(none, none.astype(float), every="1m")) == 0
    assert len(bars.resample(pa.table({"ts": none} | dict.fromkeys(OHLC, none.astype(float))), every="1m")) == 0
    assert bars.aggregate([], "5m") == []


def test_a_refused_tick_leaves_the_open_bar_as_it_was() -> None:
    builder = bars.QuoteBarBuilder("1m")
    builder.push(1, 0, 1.0, 2.0)
    with pytest.raises(BarError):
        builder.push(1, 2 * MINUTE, 5.0, math.nan)
    assert builder.flush() == [bars.QuoteBar(1, 0, *[1.0] * 4, *[2.0] * 4, 1)]


@pytest.mark.parametrize(
    "bar",
    [bars.QuoteBar(21, 5, *[1.5] * 8, 3), bars.Bar(21, 5, *[1.5] * 4, 7.0, 3)],
    ids=["quotes", "trades"],
)
def test_bars_are_values(bar: bars.QuoteBar | bars.Bar) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        twin = pickle.loads(pickle.dumps(bar, protocol))
        assert (twin, hash(twin), repr(twin)) == (bar, hash(bar), repr(bar))
    names = type(bar).__match_args__
    assert eval(repr(bar), {"QuoteBar": bars.QuoteBar, "Bar": bars.Bar}) == bar  # noqa: S307 - of our own repr
    for name in names:
        assert type(bar)(*[getattr(bar, other) + (other == name) for other in names]) != bar, name
    with pytest.raises(AttributeError):
        bar.ts = 6


def test_bars_can_be_taken_apart_by_a_match() -> None:
    match bars.Bar(21, 5, 1.0, 2.0, 0.5, 1.5, 7.0, 3):
        case bars.Bar(21, ts, _, high, low, ticks=3):
            assert (ts, high, low) == (5, 2.0, 0.5)
        case other:
            pytest.fail(repr(other))


def test_signatures_and_docstrings_are_there() -> None:
    for thing in (getattr(bars, name) for name in bars.__all__):
        assert thing.__doc__
        assert inspect.signature(thing)
    parameters = list(inspect.signature(bars.resample).parameters)
    assert parameters[:5] == ["bars", "every", "calendar", "offset", "of"]
    assert set(parameters[5:]) == {"by", "closed", "label", "origin", "zone", "gaps", "late", "threads"}
