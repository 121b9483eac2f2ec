"""Bars from whole tables: in one argument, in fixed point, in chunks; and what a table's columns cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from exuvia import bars, sessions
from exuvia.errors import SchemaError

MINUTE = 60 * 10**9
NANO = 10**9


def quotes(scale: float | int) -> pa.Table:
    """Four quotes in three minutes."""
    return pa.table(
        {
            "ts": [0, 1, MINUTE, 2 * MINUTE],
            "bid": [value * scale for value in (1, 3, 2, 5)],
            "ask": [value * scale for value in (2, 4, 3, 6)],
        }
    )


def numbers(table: Any, *names: str) -> list[list[Any]]:
    return [pa.table(table)[name].to_pylist() for name in names]


@pytest.mark.parametrize("scale", [1.0, NANO], ids=["floats", "fixed point"])
def test_one_table_of_quotes_is_as_good_as_three_columns_and_its_bars_can_be_made_longer(scale: float | int) -> None:
    table = quotes(scale)
    made = bars.quote_bars_from_ticks(table, every="1m")
    ts, bid, ask = (table[name].to_numpy() for name in ("ts", "bid", "ask"))
    assert pa.table(made).equals(pa.table(bars.quote_bars_from_ticks(ts, bid, ask, every="1m")))
    high, ticks = numbers(made, "bid_high", "ticks")
    assert (high, ticks) == ([3 * scale, 2 * scale, 5 * scale], [2, 1, 1])
    longer = bars.resample(made, every="3m")
    assert pa.table(longer).schema.field("ask_low").type == (pa.float64() if scale == 1.0 else pa.int64())
    assert numbers(longer, "bid_open", "bid_high", "ask_low", "ask_close", "ticks") == [
        [scale],
        [5 * scale],
        [2 * scale],
        [6 * scale],
        [4],
    ]


def test_trade_bars_in_fixed_point_stay_in_fixed_point_when_they_are_made_longer() -> None:
    made = bars.bars_from_ticks(np.array([0, 1, MINUTE]), np.array([NANO, 3 * NANO, 2 * NANO]), every="1m")
    longer = bars.resample(made, every="2m")
    assert pa.table(longer).schema.field("open").type == pa.int64()
    assert numbers(longer, "open", "high", "low", "close", "ticks") == [[NANO], [3 * NANO], [NANO], [2 * NANO], [3]]


def test_a_table_in_chunks_makes_the_bars_of_the_whole() -> None:
    whole = quotes(1.0)
    chunks = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 2), whole.slice(3)])
    assert chunks["ts"].num_chunks == 3
    made = bars.quote_bars_from_ticks(chunks, every="1m")
    assert pa.table(made).equals(pa.table(bars.quote_bars_from_ticks(whole, every="1m")))


def test_columns_are_handed_out_in_their_own_type_or_refused_with_what_to_do() -> None:
    shared = bars.columns(pa.table({"uic": pa.array([21, 22], pa.int32()), "bid": [1.5, 2.5]}))
    assert (shared["uic"].dtype, shared["uic"].tolist(), shared["uic"].flags.writeable) == (np.int32, [21, 22], False)
    with pytest.raises(SchemaError, match="column 'bid' has 1 nulls: fill them first"):
        bars.columns(pa.table({"bid": [1.5, None]}))
    with pytest.raises(SchemaError, match="a dict of arrays needs no conversion: use it as it is"):
        bars.columns({"bid": np.zeros(2)})


@pytest.mark.parametrize("policy", ["into_current", "drop"])
def test_ticks_that_came_after_a_newer_one_are_counted_whatever_becomes_of_them(policy: str) -> None:
    trades, both = bars.TradeBarBuilder("1m", policy), bars.QuoteBarBuilder("1m", policy)
    for ts in (0, 5, 3, 7, 6, MINUTE, 9):
        trades.push(21, ts, 1.0, 1.0)
        both.push(21, ts, 1.0, 2.0)
    trades.push(22, 1, 1.0, 1.0)
    for builder in (trades, both):
        assert (builder.disordered, builder.late) == (2, 1)


def test_a_calendar_names_the_clock_that_its_sessions_follow() -> None:
    named = {name: sessions.Calendar(name).zone for name in ("XNYS", "FX24x5", "24/7")}
    assert named == {"XNYS": "America/New_York", "FX24x5": "America/New_York", "24/7": "UTC"}
