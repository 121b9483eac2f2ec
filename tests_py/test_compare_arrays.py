"""NumPy's arrays, Arrow's tables and pandas' frames: by schema, mask and cell, by key, without copies."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from exuvia.migrate import Comparator, compare


def only(verdict: Any) -> tuple[str, str]:
    assert verdict.total == 1, verdict.differences
    return verdict.differences[0].path, verdict.differences[0].kind


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i4", "i1", "u8", "u2", "?", "M8[ns]", "m8[s]", ">f8", "U3"])
def test_every_kind_of_array_is_equal_to_its_copy_and_different_in_one_cell(dtype: str) -> None:
    cells = np.arange(12).astype(dtype) if dtype != "?" else np.arange(12) % 2 == 0
    for one in (cells, cells.reshape(3, 4), np.asfortranarray(cells.reshape(3, 4)), cells[::2], cells[:0]):
        assert compare(one, one.copy()).equal
        if one.size:
            two = one.copy()
            two.flat[1] = not one.flat[1] if dtype == "?" else np.arange(50, 51).astype(dtype)[0]
            assert only(compare(one, two)) == ("$[1]", "value")


def test_arrays_that_are_not_aligned_or_not_plain_are_compared_all_the_same() -> None:
    raw = np.zeros(8 * 4 + 1, "u1")
    odd = np.frombuffer(raw.data, "f8", 4, offset=1)
    assert compare(odd, np.zeros(4)).equal
    assert only(compare(odd, np.ones(4) * [0, 0, 1, 0])) == ("$[2]", "value")
    rows = np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")])
    assert compare(rows, rows.copy()).equal
    assert only(compare(rows, np.array([(1, 2.5)], rows.dtype))) == ("$.b[0]", "value")
    more = np.array([(1, 2.0), (2, 3.0)], rows.dtype)
    assert compare(more, more[::-1].copy(), {"$": "keyed(a)"}).equal
    assert only(compare(more, rows, {"$": "keyed(a)"})) == ("$[a=2]", "missing")
    assert only(compare(rows, rows.astype([("a", "i8"), ("b", "f8")]))) == ("$.a", "type")
    nested = np.zeros(2, [("a", "f8", 3)])
    assert compare(nested, nested.copy()).equal
    objects = np.array([1, "a", None], object)
    assert compare(objects, objects.copy()).equal
    assert only(compare(objects, np.array([1, "b", None], object))) == ("$[1]", "value")


def test_times_in_columns_have_windows_as_times_have() -> None:
    one = np.array(["2014-05-07T08:00:00.000", "2014-05-07T09:00:00.000"], "M8[ms]")
    two = one + np.timedelta64(1, "ms")
    assert compare(one, two, {"$": "window:1ms"}).equal
    assert not compare(one, two, {"$": "window:999us"}).equal
    table = pa.table({"ts": pa.array([1_000, 2_000], pa.timestamp("us", "UTC"))})
    later = pa.table({"ts": pa.array([1_900, 2_900], pa.timestamp("us", "UTC"))})
    assert compare(table, later, {"$.ts": "unit:ms"}).equal
    assert compare(table, later, {"$.ts": "window:1ms"}).equal
    found = compare(table, later, {"$.ts": "window:10us"}).differences[0]
    assert (found.path, found.kind, found.legacy) == ("$.ts[0]", "tolerance-exceeded", "datetime(1000000 ns UTC)")


def test_tables_are_equal_however_they_are_cut_into_chunks() -> None:
    cells = [1.0, 2.0, float("nan"), None, 5.0]
    whole = pa.table({"x": cells, "s": list("abcde"), "d": [Decimal("1.10")] * 5, "b": [True] * 5})
    cut = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 0), whole.slice(1, 3), whole.slice(4)])
    assert cut.column("x").num_chunks > 1
    assert compare(whole, cut).equal
    other_nan = np.array([np.nan]).view("u8") + np.uint64(1)
    assert compare(pa.array([np.nan]), pa.array(other_nan.view("f8"))).equal
    assert only(compare(whole, cut.set_column(3, "b", pa.array([True, True, False, True, True])))) == (
        "$.b[2]",
        "value",
    )
    cents = pa.array([Decimal("1.10")] * 4 + [Decimal("1.11")])
    assert only(compare(whole, cut.set_column(2, "d", cents))) == ("$.d[4]", "value")
    assert compare(whole, cut.set_column(2, "d", cents), {"$.d": "abs:0.01"}).equal


def test_tables_join_by_key() -> None:
    legacy = pa.table({"ts": [1, 2, 3], "uic": [21, 21, 22], "close": [1.0, 2.0, 3.0]})
    candidate = pa.table({"ts": [3, 1, 4], "uic": [22, 21, 21], "close": [3.0, 1.5, 9.0]})
    verdict = compare(legacy, candidate, {"$": "keyed(ts, uic)"})
    assert [(found.path, found.kind) for found in verdict.differences] == [
        ("$[ts=2, uic=21]", "missing"),
        ("$[ts=4, uic=21]", "extra"),
        ("$.close[ts=1, uic=21]", "value"),
    ]
    assert verdict.notes == ["$: rows in another order"]
    assert only(compare(legacy, legacy.take([2, 1, 0]))) == ("$", "order-only")
    assert compare(legacy, legacy.take([2, 1, 0]), {"$": "keyed(ts)"}).equal
    assert only(compare(legacy, legacy.take([2, 1, 0]), {"$": "keyed(ts; ordered)"})) == ("$", "order-only")


def test_frames_of_pandas_are_tables() -> None:
    frame = pd.DataFrame({"close": [1.0, 2.0], "sym": ["a", "b"]})
    assert compare(frame, frame.copy()).equal
    other = frame.copy()
    other.loc[1, "close"] = 2.5
    assert only(compare(frame, other)) == ("$.close[1]", "value")


def test_comparing_shares_the_cells_and_copies_nothing() -> None:
    cells = np.zeros(4_000_000)
    other = cells + 1e-12
    import resource
    import tracemalloc

    comparator = Comparator({"$": "abs:1e-9"})
    comparator.compare(cells[:10], other[:10])
    tracemalloc.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert comparator.compare(cells, other).equal
    assert Comparator().compare(cells, cells.copy()).equal
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    _, python = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # One copy of the second comparison's own argument is 31 MiB; four would be 122.
    assert grown < 50_000, f"{grown} KiB"
    assert python < 50_000_000


NARROW = [
    pa.float32(),
    pa.int8(),
    pa.int16(),
    pa.uint8(),
    pa.uint16(),
    pa.uint32(),
    pa.uint64(),
    pa.timestamp("s"),
    pa.timestamp("ms"),
]


@pytest.mark.parametrize("kind", NARROW, ids=str)
def test_columns_of_every_width_are_equal_to_their_copy_and_different_in_one_cell(kind: pa.DataType) -> None:
    one, two = pa.array([1, 2, None], kind), pa.array([1, 3, None], kind)
    assert compare(one, pa.array([1, 2, None], kind)).equal
    assert only(compare(one, two)) == ("$[1]", "value")
    assert only(compare(one, pa.array([1, None, None], kind)))[0] == "$[1]"
    other = pa.int64() if kind != pa.int64() else pa.int32()
    assert only(compare(pa.array([1], kind), pa.array([1], other))) == ("$", "type")


def test_half_floats_of_arrow_are_compared_by_value() -> None:
    half = pa.array(np.array([1.5, 2.0], "f2"))
    assert compare(half, pa.array(np.array([1.5, 2.0], "f2"))).equal
    found = compare(half, pa.array(np.array([1.5, 2.5], "f2"))).differences[0]
    assert (found.path, found.legacy, found.candidate) == ("$[1]", "2.0", "2.5")


def test_a_window_counts_in_the_unit_of_the_column() -> None:
    one, two = pa.array([1], pa.timestamp("s")), pa.array([2], pa.timestamp("s"))
    assert compare(one, two, {"$": "window:1s"}).equal
    assert not compare(one, two, {"$": "window:999ms"}).equal


def test_a_column_without_chunks_has_its_type_all_the_same() -> None:
    empty = pa.chunked_array([], pa.int64())
    assert compare(empty, pa.chunked_array([], pa.int64())).equal
    assert compare(empty, pa.chunked_array([[]], pa.int64())).equal
    assert only(compare(empty, pa.chunked_array([], pa.float64()))) == ("$", "type")


def test_dates_of_a_length_that_varies_are_numbers_and_weeks_are_times() -> None:
    weeks = np.array([1, 2], "M8[W]")
    assert compare(weeks, np.array([1, 2], "M8[W]")).equal
    found = compare(weeks, np.array([1, 3], "M8[W]")).differences[0]
    assert found.legacy == f"datetime({2 * 7 * 86_400 * 10**9} ns)"
    months = np.array([1, 2], "M8[M]")
    found = compare(months, np.array([1, 3], "M8[M]")).differences[0]
    assert (found.path, found.legacy, found.candidate) == ("$[1]", "2", "3")
