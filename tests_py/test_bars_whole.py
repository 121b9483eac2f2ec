"""A bar cannot be split: what would have to be is refused, and what fits is not."""

from __future__ import annotations

import numpy as np
import pytest
from exuvia import bars
from exuvia.errors import BarError
from hypothesis import given
from hypothesis import strategies as st

SECOND = 1_000_000_000
MINUTE = 60 * SECOND


def minutes(*rows: int) -> dict[str, np.ndarray]:
    prices = np.arange(len(rows), dtype=float) + 1
    return {"ts": np.array(rows, np.int64) * MINUTE, **dict.fromkeys(["open", "high", "low", "close"], prices)}


def objects(*rows: int, uic: int = 1) -> list[bars.QuoteBar]:
    return [bars.QuoteBar(uic, row * MINUTE, *[float(row)] * 8, 1) for row in rows]


@pytest.mark.parametrize(("every", "row"), [("90s", 1), ("30s", 0), ("1ns", 0), ("150s", 2)])
def test_an_interval_that_whole_bars_do_not_fill_is_refused_with_the_first_bar(every: str, row: int) -> None:
    with pytest.raises(BarError, match=rf"row {row} at \S+ is a bar of 1m \(the step between the rows\)"):
        bars.resample(minutes(*range(6)), every=every)
    with pytest.raises(BarError, match=rf"uic 7: row {row + 2} at \S+ is a bar of 1m"):
        bars.aggregate([*objects(0, 5), *objects(*range(6), uic=7)], every)


def test_an_offset_that_cuts_bars_is_refused() -> None:
    with pytest.raises(BarError, match="row 0 at .* ends at 1970-01-01T00:00:30.*, before the bar does"):
        bars.resample(minutes(*range(8)), every="5m", offset=30 * SECOND)
    assert bars.resample(minutes(*range(8)), every="5m", offset=2 * MINUTE).num_rows == 3


def test_a_declared_length_counts_instead_of_the_step() -> None:
    with pytest.raises(BarError, match=r"row 0 at .* is a bar of 2m \(as of says\)"):
        bars.resample(minutes(1), every="2m", of="2m")
    assert bars.resample(minutes(*range(6)), every="90s", of="30s").num_rows == 4
    assert len(bars.aggregate(objects(*range(6)), "90s", of="30s")) == 4
    with pytest.raises(BarError, match='interval "0m" is not valid'):
        bars.resample(minutes(1), every="2m", of="0m")


def test_bars_too_few_to_show_their_length_are_taken() -> None:
    assert bars.resample(minutes(0, 3), every="5m").num_rows == 1
    assert bars.resample(minutes(0, 2, 4), every="5m").num_rows == 1


def test_the_last_bar_of_a_session_may_end_after_it() -> None:
    open_at = 1_770_042_600 * SECOND  # 2026-02-02 14:30 UTC, the open of XNYS
    ts = open_at + np.arange(7, dtype=np.int64) * 60 * MINUTE
    prices = np.arange(7, dtype=float) + 1
    table = {"ts": ts, **dict.fromkeys(["open", "high", "low", "close"], prices)}
    assert bars.resample(table, every="1d", calendar="XNYS").num_rows == 1
    with pytest.raises(BarError, match="row 0 at .* is a bar of 1h"):
        bars.resample(table, every="30m", calendar="XNYS")


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=80).map(sorted), st.integers(1, 9))
def test_what_is_refused_was_split_and_what_is_taken_was_not(stamps: list[int], times: int) -> None:
    ts = np.array(stamps, np.int64) * SECOND
    ticks = {"ts": ts, "price": np.arange(len(stamps), dtype=float)}
    short = bars.bars_from_ticks(ticks, every="10s")
    longer = bars.resample(short, every=f"{10 * times}s", of="10s")
    straight = bars.columns(bars.bars_from_ticks(ticks, every=f"{10 * times}s"))
    for name, column in bars.columns(longer).items():
        assert column.tolist() == straight[name].tolist()
    starts = bars.columns(short)["ts"]
    split = any(start // (15 * SECOND) != (start + 10 * SECOND - 1) // (15 * SECOND) for start in starts.tolist())
    if split:
        with pytest.raises(BarError, match="a bar cannot be split"):
            bars.resample(short, every="15s", of="10s")
    else:
        bars.resample(short, every="15s", of="10s")
