"""Late ticks, gaps, bars of ticks, volume and value, and builders whose state is saved."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from exuvia import bars
from exuvia.errors import BarError
from hypothesis import given
from hypothesis import strategies as st

MINUTE = 60_000_000_000
WHOLE = st.integers(0, 9).map(float)
TICKS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 60), WHOLE, WHOLE), max_size=60)


def frame(table: object) -> pl.DataFrame:
    return pl.DataFrame(table).with_columns(pl.col("ts").cast(pl.Int64))


def values(bar: bars.Bar) -> tuple[Any, ...]:
    return (bar.ts, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.ticks)


@given(TICKS)
def test_revised_bars_are_those_of_the_ticks_in_order(ticks: list[tuple[int, int, float, float]]) -> None:
    builder = bars.TradeBarBuilder("10ns", late="revise", keep=1000)
    made: dict[tuple[int, int], tuple[Any, ...]] = {}
    handed_out = 0
    for uic, ts, price, size in ticks:
        bar = builder.push(uic, ts, price, size)
        if bar is not None:
            handed_out += (uic, bar.ts) in made
            made[uic, bar.ts] = values(bar)
    made |= {(bar.uic, bar.ts): values(bar) for bar in builder.flush()}
    for uic in (1, 2, 3):
        mine = sorted((tick for tick in ticks if tick[0] == uic), key=lambda tick: tick[1])
        columns = [np.array([tick[n] for tick in mine], kind) for n, kind in ((1, np.int64), (2, float), (3, float))]
        wanted = frame(bars.bars_from_ticks(*columns, every="10ns")).rows()
        assert [bar for (whose, _), bar in sorted(made.items()) if whose == uic] == wanted
        late = [
            np.array([tick[n] for tick in ticks if tick[0] == uic], np.int64 if n == 1 else float) for n in (1, 2, 3)
        ]
        assert frame(bars.bars_from_ticks(*late, every="10ns", late="revise")).rows() == wanted
    assert (builder.late, builder.dropped) == (builder.revised, 0)
    assert handed_out <= builder.revised


def test_a_tick_older_than_what_is_kept_is_dropped_and_counted() -> None:
    builder = bars.TradeBarBuilder("1m", late="revise", keep=2)
    for minute in range(5):
        builder.push(1, minute * MINUTE, 1.0, 1.0)
    # The bars of minutes 2 and 3 are kept, 4 is open.
    assert builder.push(1, MINUTE, 9.0, 1.0) is None
    revised = builder.push(1, 2 * MINUTE + 5, 9.0, 1.0)
    assert revised == bars.Bar(1, 2 * MINUTE, 1.0, 9.0, 1.0, 9.0, 2.0, 2)
    assert (builder.late, builder.dropped, builder.revised) == (2, 1, 1)


def test_a_late_tick_after_a_flush_revises_the_flushed_bar() -> None:
    builder = bars.TradeBarBuilder("1m", late="revise")
    builder.push(1, 30, 2.0, 1.0)
    assert len(builder.flush()) == 1
    assert builder.push(1, 10, 5.0, 1.0) == bars.Bar(1, 0, 5.0, 5.0, 2.0, 2.0, 2.0, 2)
    assert builder.flush() == []


@given(TICKS, st.sampled_from(["into_current", "drop"]))
def test_late_rows_of_columns_go_where_those_of_a_stream_go(
    ticks: list[tuple[int, int, float, float]], policy: str
) -> None:
    uic, ts, price, size = (
        np.array([tick[n] for tick in ticks], kind) for n, kind in enumerate((np.int64, np.int64, float, float))
    )
    builder = bars.TradeBarBuilder("10ns", late=policy)
    pushed = frame(builder.push_columns(uic, ts, price, size))
    streamed = pl.concat([pushed, frame(builder.flush_columns())]).sort("uic", maintain_order=True)
    table = bars.bars_from_ticks(ts, price, size, by=uic, every="10ns", late=policy)
    assert frame(table).rename({"symbol": "uic"}).rows() == streamed.rows()
    assert int(table.schema.metadata[b"late"]) == builder.late
    assert int(table.schema.metadata[b"disordered"]) == builder.disordered
    assert builder.dropped == (builder.late + builder.disordered if policy == "drop" else 0)


@pytest.mark.parametrize("gaps", ["fill", "null"])
def test_a_stream_fills_gaps_as_columns_do(gaps: str) -> None:
    ts = np.array([0, 1, 4, 4, 9]) * MINUTE
    price = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    builder = bars.QuoteBarBuilder("1m", gaps=gaps)
    made = [builder.push(7, *row) for row in zip(ts.tolist(), price.tolist(), price.tolist(), strict=True)]
    made += builder.flush()
    table = frame(bars.quote_bars_from_ticks(ts, price, price, every="1m", gaps=gaps))
    found = [bar for bar in made if bar is not None]
    assert [bar.ts for bar in found] == table["ts"].to_list() == [n * MINUTE for n in range(10)]
    assert [bar.ticks for bar in found] == table["ticks"].to_list()
    closes = [None if bar.bid_close != bar.bid_close else bar.bid_close for bar in found]
    assert closes == table["bid_close"].to_list()
    filled = gaps == "fill"
    assert closes[2] == (2.0 if filled else None)
    assert table["ask_high"][7] == (4.0 if filled else None)


def test_gaps_are_filled_within_sessions_only() -> None:
    friday, monday = 1_732_914_000_000_000_000 - 8 * 3600 * 10**9, 1_733_149_800_000_000_000
    # 2024-11-29 closes at 13:00 in New York; the next bar is of Monday 09:30.
    ts = np.array([friday + 3 * 3600 * 10**9, monday + 1], np.int64)
    made = frame(bars.bars_from_ticks(ts, np.array([1.0, 2.0]), every="30m", calendar="XNYS", gaps="fill"))
    assert made["ticks"].sum() == 2
    assert made["ts"].to_list()[-1] == monday
    assert set(np.diff(made["ts"].to_list()[:-1])) <= {30 * MINUTE}
    assert made["close"].to_list()[1:-1] == [1.0] * (len(made) - 2)


def test_a_stray_stamp_does_not_fill_the_memory() -> None:
    ts = np.array([0, 2**62], np.int64)
    with pytest.raises(BarError, match="gap after 1970-01-01T00:00:00.000000Z would be filled with more than"):
        bars.bars_from_ticks(ts, np.array([1.0, 2.0]), every="10ms", gaps="fill")
    builder = bars.TradeBarBuilder("10ms", gaps="fill")
    builder.push(1, 0, 1.0)
    with pytest.raises(BarError, match="a builder can be flushed first"):
        builder.push(1, 2**62, 2.0)
    assert [bar.close for bar in builder.flush()] == [1.0]
    assert builder.push(1, 2**62, 2.0) is None


@given(st.lists(st.tuples(WHOLE, WHOLE), max_size=60), st.integers(1, 7), st.sampled_from(["left", "right"]))
def test_bars_of_ticks_volume_and_value_end_with_the_tick_that_fills_them(
    rows: list[tuple[float, float]], size: int, label: str
) -> None:
    ts = np.arange(len(rows), dtype=np.int64) * 7
    price, volume = (np.array([row[n] for row in rows], float) for n in (0, 1))
    measures = {"ticks": lambda _row: 1, "volume": lambda row: row[1], "value": lambda row: row[0] * row[1]}
    for kind, measure in measures.items():
        wanted: list[tuple[Any, ...]] = []
        part: list[int] = []
        for at in range(len(rows)):
            part.append(at)
            if sum(measure(rows[n]) for n in part) >= size or at == len(rows) - 1:
                prices = [rows[n][0] for n in part]
                stamp = ts[part[0] if label == "left" else part[-1]]
                total = sum(rows[n][1] for n in part)
                wanted.append((stamp, prices[0], max(prices), min(prices), prices[-1], total, len(part)))
                part = []
        how: dict[str, Any] = {kind: size, "label": label}
        assert frame(bars.bars_from_ticks(ts, price, volume, **how)).rows() == wanted, kind
        builder = bars.TradeBarBuilder(**how)
        pushed = [builder.push(5, int(t), *row) for t, row in zip(ts, rows, strict=True)]
        assert [values(bar) for bar in [*pushed, *builder.flush()] if bar is not None] == wanted, kind


def test_fixed_point_values_are_added_exactly() -> None:
    nano = 1_000_000_000
    ts, price, size = np.arange(3), np.array([1, 2, 4], np.int64) * nano // 3, np.array([3, 3, 3], np.int64) * nano
    made = frame(bars.bars_from_ticks(ts, price, size, value=3 * nano))
    # 0.333333333 × 3 + 0.666666666 × 3 is short of 3 by 3e-9.
    assert made["ticks"].to_list() == [3]
    assert frame(bars.bars_from_ticks(ts, price, size, value=3 * nano - 3))["ticks"].to_list() == [2, 1]


def test_quotes_make_bars_of_bid_ask_and_mid() -> None:
    ts, bid, ask = np.array([0, 1, MINUTE]), np.array([1.0, 3.0, 2.0]), np.array([2.0, 3.5, 4.0])
    for side, price in (("bid", bid), ("ask", ask), ("mid", (bid + ask) / 2)):
        made = bars.quote_bars_from_ticks(ts, bid, ask, every="1m", side=side)
        assert made == bars.bars_from_ticks(ts, price, every="1m"), side
    fixed = bars.quote_bars_from_ticks(ts, np.array([1, 2, 3]), np.array([2, 3, 3]), every="1m", side="mid")
    # Half a unit goes to the even one: 1.5 and 2.5 are both 2.
    assert frame(fixed)["high"].to_list() == [2, 3]
    assert frame(bars.quote_bars_from_ticks(ts, bid, ask, ticks=2))["bid_close"].to_list() == [3.0, 2.0]


BUILDERS: list[dict[str, Any]] = [
    {"every": "10ns"},
    {"every": "10ns", "late": "revise", "keep": 3},
    {"every": "10ns", "late": "drop", "closed": "right", "label": "right", "origin": "start"},
    {"every": "10ns", "gaps": "fill", "offset": 3},
    {"every": "1d", "zone": "Europe/Berlin", "gaps": "null"},
    {"every": "5m", "calendar": "XNYS"},
    {"every": "1mo"},
    {"ticks": 3},
    {"volume": 10.0},
    {"value": 20.0, "label": "right", "late": "drop"},
]


@pytest.mark.parametrize("how", BUILDERS, ids=str)
@given(ticks=TICKS, stop=st.integers(0, 60), by_pickle=st.booleans())
def test_a_builder_that_was_saved_goes_on_as_if_nothing_had_been(
    how: dict[str, Any], ticks: list[tuple[int, int, float, float]], stop: int, *, by_pickle: bool
) -> None:
    long = "zone" in how or "calendar" in how or how.get("every") == "1mo"
    start, step = 1_700_000_000_000_000_000, 10**14 if long else 1
    through, pushed = bars.TradeBarBuilder(**how), []
    for uic, ts, price, size in ticks[:stop]:
        pushed.append(through.push(uic, start + ts * step, price, size))
    resumed = pickle.loads(pickle.dumps(through)) if by_pickle else bars.TradeBarBuilder.from_bytes(through.to_bytes())
    for uic, ts, price, size in ticks[stop:]:
        at = start + ts * step
        assert repr(resumed.push(uic, at, price, size)) == repr(through.push(uic, at, price, size))
    counts = [(b.late, b.disordered, b.dropped, b.revised, b.outside) for b in (resumed, through)]
    assert counts[0] == counts[1]
    assert resumed.to_bytes() == through.to_bytes()
    assert repr(resumed.flush()) == repr(through.flush())


class Named(bars.QuoteBarBuilder):
    """A subclass with an attribute and a constructor of its own."""

    def __new__(cls, name: str) -> Named:
        made = super().__new__(cls, "1m")
        made.name = name
        return made

    name: str


def test_a_subclass_keeps_its_attributes_and_bars_that_wait_are_saved_too() -> None:
    named = Named("desk")
    named.push(1, 0, 1.0, 2.0)
    twin = copy.deepcopy(named)
    assert (type(twin), twin.name) == (Named, "desk")
    assert twin.flush() == named.flush()

    def refuse(*_fields: float) -> object:
        raise RuntimeError

    builder = bars.QuoteBarBuilder("1m", record=refuse)
    builder.push(1, 0, 1.0, 2.0)
    with pytest.raises(RuntimeError):
        builder.push(1, MINUTE, 3.0, 4.0)
    resumed = bars.QuoteBarBuilder.from_bytes(builder.to_bytes())
    assert [(bar.ts, bar.bid_open) for bar in resumed.flush()] == [(0, 1.0), (MINUTE, 3.0)]


def test_bytes_that_are_no_state_are_refused_with_a_sentence() -> None:
    builder = bars.TradeBarBuilder("1m")
    builder.push(1, 0, 1.0)
    state = builder.to_bytes()
    for cut in range(len(state)):
        with pytest.raises(BarError, match="saved state"):
            bars.TradeBarBuilder.from_bytes(state[:cut])
    for at in range(8, len(state)):
        spoiled = bytearray(state)
        spoiled[at] ^= 0x40
        with pytest.raises(BarError, match="saved state"):
            bars.TradeBarBuilder.from_bytes(bytes(spoiled))
    newer = bytearray(state)
    newer[8:10] = (2).to_bytes(2, "little")
    with pytest.raises(BarError, match=r"format 2, this exuvia reads up to 1: .* upgrade"):
        bars.TradeBarBuilder.from_bytes(bytes(newer))
    with pytest.raises(BarError, match="of a builder for trades, this one is for quotes"):
        bars.QuoteBarBuilder.from_bytes(state)


def test_a_batch_that_has_a_wrong_row_loses_no_bar() -> None:
    builder = bars.TradeBarBuilder("1m")
    ts, price = np.array([0, 1, 2, 3]) * MINUTE, np.array([1.0, 2.0, np.nan, 4.0])
    with pytest.raises(
        BarError, match=r"row 2: price NaN of the tick at 1970-01-01T00:02:00.000000Z .* rows before it were taken"
    ):
        builder.push_columns(5, ts, price)
    table = pa.table(builder.push_columns(5, ts[3:], price[3:]))
    assert table["close"].to_pylist() == [1.0, 2.0]
    assert table["uic"].to_pylist() == [5, 5]
    assert [bar.close for bar in builder.flush()] == [4.0]
