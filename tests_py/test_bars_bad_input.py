"""What cannot become a bar is refused with the class, the place and the value of what is wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from exuvia import bars
from exuvia.errors import BarError, CalendarError, ExuviaError, SchemaError, ValueRangeError

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
            r"'ts' has 4611686018427387904 s in row 0, which is outside 1677 to 2262",
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
        (BarError, r"late=\"later\" is unknown", lambda: bars.QuoteBarBuilder("1m", late="later")),
        (
            BarError,
            r"from 1700000000 to 1700000002, which as nanoseconds is 1970-.*seconds; multiply them by 1000000000",
            lambda: bars.bars_from_ticks(TS + 1_700_000_000, PX, every="1m"),
        ),
        (
            BarError,
            r"'ts' goes from 1700000000000 .* look like milliseconds",
            lambda: bars.quote_bars_from_ticks(pa.array(TS + 1_700_000_000_000), PX, PX, every="1m"),
        ),
        (
            BarError,
            r"look like microseconds",
            lambda: bars.TradeBarBuilder("1m").push_columns(1, TS + 1_700_000_000_000_000, PX),
        ),
        (
            BarError,
            r"column 'price' is masked in row 1",
            lambda: bars.bars_from_ticks(TS, np.ma.masked_equal(PX, 2.0), every="1m"),
        ),
        (BarError, r"\"middle\" is no side", lambda: bars.bars_from_ticks(TS, PX, every="1m", closed="middle")),
        (BarError, r"gaps=\"zero\" is unknown", lambda: bars.bars_from_ticks(TS, PX, every="1m", gaps="zero")),
        (BarError, r"origin=\"noon\" is unknown", lambda: bars.bars_from_ticks(TS, PX, every="1m", origin="noon")),
        (BarError, r"threads=0", lambda: bars.bars_from_ticks(TS, PX, every="1m", threads=0)),
        (BarError, r"one of every=, ticks=, volume= or value=", lambda: bars.bars_from_ticks(TS, PX)),
        (BarError, r"one of every=", lambda: bars.bars_from_ticks(TS, PX, every="1m", ticks=5)),
        (BarError, r"ticks=0 is no size", lambda: bars.TradeBarBuilder(ticks=0)),
        (BarError, r"volume=-1 is no size", lambda: bars.bars_from_ticks(TS, PX, PX, volume=-1.0)),
        (BarError, r"value=NaN is no size", lambda: bars.bars_from_ticks(TS, PX, PX, value=NAN)),
        (SchemaError, r"volume=lots with a column of floats", lambda: bars.bars_from_ticks(TS, PX, PX, volume="lots")),
        (SchemaError, r"volume=1.5 with a column of fixed point", lambda: bars.bars_from_ticks(TS, TS, TS, volume=1.5)),
        (BarError, r"bars of volume need the size", lambda: bars.bars_from_ticks(TS, PX, volume=5.0)),
        (BarError, r"column 'price' has -1 in row 0", lambda: bars.bars_from_ticks(TS, PX - 2, PX, value=5.0)),
        (
            BarError,
            r"column 'size' has NaN in row 1",
            lambda: bars.bars_from_ticks(TS, PX, PX * [1, NAN, 1], volume=5.0),
        ),
        (BarError, r"price -1 of the tick .* no value", lambda: bars.TradeBarBuilder(value=5.0).push(1, 0, -1.0, 1.0)),
        (BarError, r"closed, origin, offset", lambda: bars.bars_from_ticks(TS, PX, ticks=5, closed="right")),
        (BarError, r"gaps with bars of ticks", lambda: bars.bars_from_ticks(TS, PX, ticks=5, gaps="fill")),
        (BarError, r"late=\"revise\" with bars of ticks", lambda: bars.TradeBarBuilder(ticks=5, late="revise")),
        (BarError, r"which a stream does not know", lambda: bars.TradeBarBuilder("1m", origin="end")),
        (BarError, r"not with days of a zone", lambda: bars.bars_from_ticks(TS, PX, every="1mo", origin="end")),
        (
            BarError,
            r"offset=5 with a calendar",
            lambda: bars.bars_from_ticks(TS, PX, every="1m", calendar="XNYS", offset=5),
        ),
        (BarError, r"zone with a calendar", lambda: bars.TradeBarBuilder("1m", calendar="XNYS", zone="Europe/Berlin")),
        (CalendarError, r"\"Mars/Olympus\" is unknown", lambda: bars.TradeBarBuilder("1m", zone="Mars/Olympus")),
        (
            BarError,
            r"side=\"last\" is unknown",
            lambda: bars.quote_bars_from_ticks(TS, PX, PX, every="1m", side="last"),
        ),
        (
            BarError,
            r"column 'ask' has inf in row 1",
            lambda: bars.quote_bars_from_ticks(TS, PX, np.array([1, np.inf, 2]), every="9ns", side="mid"),
        ),
        (BarError, r"column 'by' has 2 rows", lambda: bars.bars_from_ticks(TS, PX, every="1m", by=TS[:2])),
        (SchemaError, r"by=\"s\" names a column, but", lambda: bars.bars_from_ticks(TS, PX, every="1m", by="s")),
        (SchemaError, r"'by' is float64|symbol' is", lambda: bars.bars_from_ticks(TS, PX, every="1m", by=PX)),
        (
            BarError,
            r"column 'symbol' is null in row 1",
            lambda: bars.bars_from_ticks(TS, PX, every="1m", by=pa.array(["a", None, "b"])),
        ),
        (
            BarError,
            r"row 2 of \"b\" is at .*\(3\), before row 0 of it at .*\(9\)",
            lambda: bars.bars_from_ticks(np.array([9, 4, 3]), PX, every="1m", by=pa.array(["b", "a", "b"])),
        ),
        (
            BarError,
            r"column 'price' has NaN in row 2",
            lambda: bars.bars_from_ticks(TS, np.array([1, 2, NAN]), every="9ns", by=np.array([1, 2, 1])),
        ),
        (
            BarError,
            r"column 'size' has -2 in row 1",
            lambda: bars.bars_from_ticks(TS, PX, np.array([1.0, -2.0, 1.0]), every="9ns", by=np.array([2, 1, 2])),
        ),
        (
            BarError,
            r"sum of 'size' overflows in row 2",
            lambda: bars.bars_from_ticks(TS, TS, np.array([2**62, 1, 2**62]), every="9ns", by=np.array([2, 1, 2])),
        ),
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
        (
            BarError,
            r"the sum of ticks overflows with 1 of bars\[1\]",
            lambda: bars.aggregate([bar(0, ticks=2**63 - 1), bar(1)], "5ns"),
        ),
        (
            BarError,
            r"column 'price' is masked in row 1",
            lambda: bars.bars_from_ticks(TS, np.ma.array([1.0, 999.0, 1.1], mask=[0, 1, 0]), every="9ns"),
        ),
        (
            BarError,
            r"column 'ask' is masked in row 0",
            lambda: bars.quote_bars_from_ticks(TS, PX, np.ma.array(PX, mask=True), every="9ns"),
        ),
        (
            BarError,
            r"column 'ts' is NaT in row 1",
            lambda: bars.bars_from_ticks(np.array(["2020-01-01", "NaT"], "M8[ns]"), PX[:2], every="1m"),
        ),
        (
            BarError,
            r"column 'ts' is NaT in row 0",
            lambda: bars.bars_from_ticks(np.array(["NaT"], "M8[ns]"), PX[:1], every="1ns"),
        ),
        (
            BarError,
            r"column 'ts' is NaT in row 0",
            lambda: bars.bars_from_ticks(np.array(["NaT"], "M8[us]"), PX[:1], every="1m"),
        ),
        (
            BarError,
            r"column 'ts' has 4611686018427387904 ms in row 1, which is outside 1677 to 2262",
            lambda: bars.bars_from_ticks(pa.array([0, 2**62], pa.timestamp("ms")), PX[:2], every="1m"),
        ),
        (BarError, r"say when a bar ends", lambda: bars.bars_from_ticks(TS, PX, every=None)),
        (BarError, r"interval \"60\.0\" is not valid", lambda: bars.QuoteBarBuilder(60.0)),
        (BarError, r"interval \"9223372036854775808\" is not", lambda: bars.aggregate([], 2**63)),
        (
            ValueRangeError,
            r"offset 9223372036854775808 is out of range",
            lambda: bars.bars_from_ticks(TS, PX, every="1m", offset=2**63),
        ),
        (
            SchemaError,
            r"2 columns named 'price'",
            lambda: bars.bars_from_ticks(pa.table([TS, PX, PX], names=["ts", "price", "price"]), every="1m"),
        ),
        (
            SchemaError,
            r"as column 'price': .*Null",
            lambda: bars.bars_from_ticks(TS[:1], pl.Series([None]), every="1m"),
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_place_and_value(
    error: type[ExuviaError], message: str, call: Callable[[], object]
) -> None:
    with pytest.raises(error, match=message):
        call()


def test_an_array_with_a_mask_that_hides_nothing_is_taken() -> None:
    made = bars.bars_from_ticks(TS, np.ma.array(PX, mask=[0, 0, 0]), every="9ns")
    assert bars.columns(made)["high"].tolist() == [3.0]
    assert bars.columns(bars.bars_from_ticks(TS, np.ma.array(PX), every="9ns"))["high"].tolist() == [3.0]


def test_an_offset_that_is_no_whole_number_is_named() -> None:
    with pytest.raises(TypeError, match=r"offset 1.0 .* is no whole number"):
        bars.bars_from_ticks(TS, PX, every="1m", offset=1.0)  # type: ignore[arg-type]
    with pytest.raises(BarError, match='interval "soon" is not valid'):
        bars.bars_from_ticks(TS, PX, every="1m", offset="soon")
    later = bars.bars_from_ticks(TS, PX, every="1m", offset="-30s")
    assert bars.columns(later)["ts"].tolist() == [-30_000_000_000]


def test_a_volume_that_overflows_names_the_tick_and_not_a_row() -> None:
    builder = bars.TradeBarBuilder("1m")
    builder.push(1, 0, 1.0, 1e308)
    with pytest.raises(BarError, match=r"overflows with size 17\d* of the tick at 1970-01-01T00:00:00.000000001Z"):
        builder.push(1, 1, 1.0, 1.7e308)
    assert builder.flush()[0].volume == 1e308
