"""What cannot become a bar is refused with the class, the place and the value of what is wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from exuvia import bars
from exuvia.errors import BarError, ExuviaError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable

NAN = math.nan


def bar(ts: int, *, ask_low: float = 1.0, ticks: int = 1) -> bars.QuoteBar:
    return bars.QuoteBar(1, ts, *[1.0] * 6, ask_low, 1.0, ticks)


TS, PX = np.array([0, 1, 2], np.int64), np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (
            BarError,
            r"row 1 is at .*\(5\), before row 0 at .*\(9\)",
            lambda: bars.bars_from_ticks(TS[[0, 1]] * -4 + 9, PX[:2], every="1ns"),
        ),
        (
            BarError,
            r"column 'price' has NaN in row 2",
            lambda: bars.bars_from_ticks(TS, np.array([1, 2, NAN]), every="9ns"),
        ),
        (
            BarError,
            r"column 'ask' has inf in row 1",
            lambda: bars.quote_bars_from_ticks(TS, PX, np.array([1, np.inf, 2]), every="9ns"),
        ),
        (
            BarError,
            r"column 'size' has -1 in row 0",
            lambda: bars.bars_from_ticks(TS, PX, np.array([-1.0, 1, 1]), every="9ns"),
        ),
        (
            BarError,
            r"column 'size' has NaN in row 1",
            lambda: bars.bars_from_ticks(TS, PX, np.array([1, NAN, 1]), every="9ns"),
        ),
        (
            BarError,
            r"sum of 'size' overflows in row 1",
            lambda: bars.bars_from_ticks(TS, PX, np.array([1e308, 1e308, 1]), every="9ns"),
        ),
        (
            BarError,
            r"sum of 'size' overflows in row 2",
            lambda: bars.bars_from_ticks(TS, TS, np.array([2**62, 1, 2**62]), every="9ns"),
        ),
        (
            BarError,
            r"column 'price' has 2 rows, but 'ts' has 3",
            lambda: bars.bars_from_ticks(TS, PX[:2], every="9ns"),
        ),
        (BarError, r"column 'size' has 4 rows", lambda: bars.bars_from_ticks(TS, PX, np.ones(4), every="9ns")),
        (BarError, r"interval \"5x\" is not valid", lambda: bars.bars_from_ticks(TS, PX, every="5x")),
        (BarError, r"interval \"0\" is not valid", lambda: bars.bars_from_ticks(TS, PX, every=0)),
        (
            BarError,
            r"interval 60 would be 60 nanoseconds: write \"60s\"",
            lambda: bars.bars_from_ticks(TS, PX, every=60),
        ),
        (BarError, r"interval 999999 would be", lambda: bars.QuoteBarBuilder(999_999)),
        (BarError, r"interval 300 would be 300 nanoseconds", lambda: bars.aggregate([], 300)),
        (
            BarError,
            r"does not fit between 1677 and 2262",
            lambda: bars.bars_from_ticks(TS + (2**63 - 3), PX, every="1m"),
        ),
        (
            BarError,
            r"'ts' has a stamp outside 1677 to 2262",
            lambda: bars.bars_from_ticks((TS + 2**62).view("M8[s]"), PX, every="1m"),
        ),
        (
            BarError,
            r"column 'price' is null in row 1",
            lambda: bars.bars_from_ticks(TS, pa.array([1.0, None, 2.0]), every="9ns"),
        ),
        (
            SchemaError,
            r"column 'price' is a list",
            lambda: bars.bars_from_ticks(TS, [1.0, 2.0, 3.0], every="9ns"),
        ),
        (
            SchemaError,
            r"column 'price' is float32, expected float64",
            lambda: bars.bars_from_ticks(TS, PX.astype("f4"), every="9ns"),
        ),
        (
            SchemaError,
            r"column 'price' is 2 dimensions",
            lambda: bars.bars_from_ticks(TS, PX.reshape(3, 1), every="9ns"),
        ),
        (
            SchemaError,
            r"column 'ts' is float64, expected int64 nanoseconds",
            lambda: bars.bars_from_ticks(PX, PX, every="9ns"),
        ),
        (
            SchemaError,
            r"column 'ts' is Utf8",
            lambda: bars.bars_from_ticks(pa.array(["a", "b", "c"]), PX, every="9ns"),
        ),
        (SchemaError, r"column 'ask' mixes", lambda: bars.quote_bars_from_ticks(TS, PX, TS, every="9ns")),
        (
            SchemaError,
            r"column 'price' is missing, the table has \[\"ts\", \"px\"\]",
            lambda: bars.bars_from_ticks(pa.table({"ts": TS, "px": PX}), every="9ns"),
        ),
        (
            SchemaError,
            r"column 'low' is missing",
            lambda: bars.resample({"ts": TS, "open": PX, "high": PX, "close": PX}, every="9ns"),
        ),
        (SchemaError, r"int is no table", lambda: bars.resample(5, every="9ns")),
        (SchemaError, r"pass ts, bid and ask", lambda: bars.quote_bars_from_ticks(TS, PX, every="9ns")),
        (SchemaError, r"in 2 chunks", lambda: bars.columns(pa.concat_tables([pa.table({"a": PX})] * 2))),
        (SchemaError, r"column 'a' is Utf8", lambda: bars.columns(pa.table({"a": ["x"]}))),
        (BarError, r"late=\"revise\" is unknown", lambda: bars.QuoteBarBuilder("1m", late="revise")),
        (
            BarError,
            r"bid NaN of the tick at 1970-01-01T00:00:00",
            lambda: bars.QuoteBarBuilder("1m").push(1, 0, NAN, 1.0),
        ),
        (BarError, r"ask -inf of the tick", lambda: bars.QuoteBarBuilder("1m").push(1, 0, 1.0, -math.inf)),
        (BarError, r"size -1 of the tick", lambda: bars.TradeBarBuilder("1m").push(1, 0, 1.0, -1.0)),
        (BarError, r"interval \"-60\"", lambda: bars.aggregate([], -60)),
        (
            BarError,
            r"bars\[1\] of uic 1 is at .* \(0\), before .* \(9\)",
            lambda: bars.aggregate([bar(9), bar(0)], "5ns"),
        ),
        (BarError, r"bars\[0\]\.ask_low is NaN", lambda: bars.aggregate([bar(9, ask_low=NAN)], "5ns")),
        (BarError, r"bars\[0\] has -1 ticks", lambda: bars.aggregate([bar(9, ticks=-1)], "5ns")),
    ],
)
def test_what_is_wrong_is_refused_with_its_place_and_value(
    error: type[ExuviaError], message: str, call: Callable[[], object]
) -> None:
    with pytest.raises(error, match=message):
        call()
