"""Values of the standard library, NumPy, pandas and polars: each is compared, or refused by name."""

from __future__ import annotations

import array
import enum
import ipaddress
import pathlib
import types
import uuid
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from exuvia.errors import CompareError
from exuvia.migrate import Comparator
from exuvia.migrate.comparator.comparing import is_readable, refuse_unreadable

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Bits(enum.IntFlag):
    LOW = 1
    HIGH = 2


Point = namedtuple("Point", "x y")
ROW = [("id", "i4"), ("price", "f8")]
V, T, M, X = "value", "type", "missing", "extra"


def objects(*values: Any, index: Any = None) -> pd.DataFrame:
    """A table with one column of objects."""
    labels = None if index is None else pd.Index(index, dtype=object)
    return pd.DataFrame({"x": pd.Series(values, dtype=object, index=labels)})


# What legacy returned and what the candidate did, made anew each time; where they differ first, and how.
COMPARED = [
    (lambda: (deque([1, 2]), deque([1, 3])), "$[1]", V),
    (lambda: (deque([1, 2], 5), deque([1, 2], 6)), "$", T),
    (lambda: (deque([1, 2], 5), deque([1, 2])), "$", T),
    (lambda: (deque([1, 2]), [1, 2]), "$", T),
    (lambda: (OrderedDict(a=1), OrderedDict(a=2)), "$.a", V),
    (lambda: (OrderedDict(a=1), {"a": 1}), "$", T),
    (lambda: (defaultdict(int, a=1), defaultdict(int, a=2)), "$.a", V),
    (lambda: (Counter("ab"), Counter("aab")), "$.a", V),
    (lambda: (Point(1, 2), Point(1, 3)), "$.y", V),
    (lambda: (Point(1, 2), (1, 2)), "$", T),
    (lambda: (types.MappingProxyType({"a": 1}), types.MappingProxyType({"a": 2})), "$.a", V),
    (lambda: (types.MappingProxyType({"a": 1}), {"a": 1}), "$", T),
    (lambda: (ChainMap({"a": 1}), ChainMap({"a": 2})), "$.maps[0].a", V),
    (lambda: (types.SimpleNamespace(a=1), types.SimpleNamespace(a=2)), "$.a", V),
    (lambda: (array.array("d", [1, 2]), array.array("d", [1, 3])), "$[1]", V),
    (lambda: (array.array("i", [1]), array.array("l", [1])), "$", T),
    (lambda: (bytearray(b"ab"), bytearray(b"ac")), "$", V),
    (lambda: (bytearray(b"ab"), b"ab"), "$", T),
    (lambda: (memoryview(b"ab"), memoryview(b"ac")), "$", V),
    (lambda: (memoryview(bytes(4)), memoryview(array.array("i", [0]))), "$", T),
    (lambda: (uuid.UUID(int=1), uuid.UUID(int=2)), "$", V),
    (lambda: (pathlib.Path("/a"), pathlib.Path("/b")), "$", V),
    (lambda: (pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a")), "$", T),
    (lambda: (Fraction(1, 2), Fraction(1, 3)), "$", V),
    (lambda: (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("127.0.0.2")), "$", V),
    (lambda: (ipaddress.ip_address("::1"), ipaddress.ip_address("::2")), "$", V),
    (lambda: (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("10.0.0.0/9")), "$", V),
    (lambda: (ipaddress.ip_interface("10.0.0.1/8"), ipaddress.ip_interface("10.0.0.1/9")), "$", V),
    (lambda: (date(2024, 1, 1), date(2024, 1, 2)), "$", V),
    (lambda: (time(9, 30), time(9, 31)), "$", V),
    (lambda: (time(9, 30), time(9, 30, tzinfo=UTC)), "$", V),
    (lambda: (timedelta(seconds=1), timedelta(seconds=2)), "$", V),
    (lambda: (datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)), "$", T),
    (lambda: (ZoneInfo("Europe/Paris"), ZoneInfo("Europe/Berlin")), "$", V),
    (lambda: (UTC, timezone(timedelta(hours=1))), "$", V),
    (lambda: (Rights.READ, Rights.READ | Rights.WRITE), "$", V),
    (lambda: (Rights(0), Rights.READ), "$", V),
    (lambda: (Bits.LOW | Bits.HIGH, Bits.LOW), "$", V),
    (lambda: (Bits.LOW, 1), "$", T),
    (lambda: (range(3), range(4)), "$", V),
    (lambda: (slice(1, 2), slice(1, 3)), "$", V),
    (lambda: (..., NotImplemented), "$", T),
    (lambda: (1j, 2j), "$", V),
    (lambda: (complex(0.0, 1.0), complex(-0.0, 1.0)), "$", V),
    (lambda: (frozenset({1}), {1}), "$", T),
    (lambda: (np.float64(1), np.float64(2)), "$", V),
    (lambda: (np.float32(1), np.float64(1)), "$", T),
    (lambda: (np.int8(1), 1), "$", T),
    (lambda: (np.bool_(True), np.bool_(False)), "$", V),
    (lambda: (np.str_("a"), np.str_("b")), "$", V),
    (lambda: (np.complex128(1j), np.complex128(2j)), "$", V),
    (lambda: (np.longdouble(1), np.nextafter(np.longdouble(1), np.longdouble(2))), "$", V),
    (lambda: (np.datetime64(1, "ns"), np.datetime64(2, "ns")), "$", V),
    (lambda: (np.datetime64(1, "ns"), np.datetime64(1, "ps")), "$", T),
    (lambda: (np.timedelta64(1000, "ms"), np.timedelta64(1, "s")), "$", T),
    (lambda: (np.array([(1, 2.0)], ROW)[0], np.array([(1, 3.0)], ROW)[0]), "$[1]", V),
    (lambda: (np.array([1, "a"], object), np.array([1, "b"], object)), "$[1]", V),
    (lambda: (pd.Timestamp(1), pd.Timestamp(2)), "$", V),
    (lambda: (pd.Timestamp(1), pd.NaT), "$", T),
    (lambda: (pd.NA, None), "$", T),
    (lambda: (pd.Timedelta(1), pd.Timedelta(2)), "$", V),
    (lambda: (pd.Period("2024"), pd.Period("2025")), "$", V),
    (lambda: (pd.Interval(0, 1), pd.Interval(0, 1, closed="both")), "$", V),
    (lambda: (pd.Series([1.0, 2.0]), pd.Series([1.0, 3.0])), "$.values[1]", V),
    (lambda: (pd.Series([1.0], name="bid"), pd.Series([1.0], name="ask")), "$.name", V),
    (lambda: (pd.Series([1.0, np.nan]), pd.Series([1.0, 0.0])), "$.values[1]", V),
    (lambda: (pd.Series(["a", None], dtype=object), pd.Series(["a", np.nan], dtype=object)), "$.values[1]", T),
    (lambda: (pd.Series([1.0, np.nan], dtype=object), pd.Series([1.0, None], dtype=object)), "$.values[1]", T),
    (lambda: (pd.Series([None], dtype=object), pd.Series([np.nan], dtype=object)), "$.values[0]", T),
    (lambda: (pd.Series([1, pd.NA], dtype=object), pd.Series([1, None], dtype=object)), "$.values[1]", T),
    (lambda: (pd.Series(["a", None], dtype=object), pd.Series(["a", "b"], dtype=object)), "$.values[1]", T),
    (lambda: (objects("a", None), objects("a", np.nan)), "$.x[1]", T),
    (lambda: (objects(1, None, "a"), objects(1, np.nan, "a")), "$.x[1]", T),
    (lambda: (objects(1, 2, index=["a", None]), objects(1, 2, index=["a", np.nan])), "$.__index_level_0__[1]", T),
    (lambda: (pd.Series([1, 2]), pd.Series([1, 2], dtype="Int64")), "$.values", T),
    (lambda: (pd.Series([1.0, np.nan]), pd.Series([1.0, None], dtype="Float64")), "$.values", T),
    (lambda: (pd.Series([True]), pd.Series([True], dtype="boolean")), "$.values", T),
    (lambda: (pd.Series([1.5]), pd.Series([1.5], dtype="double[pyarrow]")), "$.values", T),
    (lambda: (pd.DataFrame({"a": [1.0, np.nan]}), pd.DataFrame({"a": [1.0, 2.0]})), "$.a[1]", V),
    (lambda: (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}, dtype="Int64")), "$", T),
    (lambda: (pd.Timestamp(0), datetime(1970, 1, 1)), "$", T),
    (lambda: (np.rec.array([(1, 2.0)], dtype=ROW), np.array([(1, 2.0)], dtype=ROW)), "$", T),
    (lambda: (pd.Series([1.0], index=["a"]), pd.Series([1.0], index=["b"])), "$.index.values[0]", V),
    (lambda: (pd.Series([1.0]), pd.Series([1.0], index=[0])), "$.index", T),
    (lambda: (pd.Series([1, "a"]), pd.Series([1, "b"])), "$.values[1]", V),
    (lambda: (pd.Index([1, 2]), pd.Index([1, 3])), "$.values[1]", V),
    (lambda: (pd.Index([1], name="a"), pd.Index([1], name="b")), "$.names[0]", V),
    (lambda: (pd.DatetimeIndex([1]), pd.DatetimeIndex([1], tz="UTC")), "$.dtype", V),
    (lambda: (pd.MultiIndex.from_tuples([(1, 2)]), pd.MultiIndex.from_tuples([(1, 3)])), "$.values[0][1]", V),
    (lambda: (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})), "$.a[0]", V),
    (lambda: (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})), "$.a", M),
    (
        lambda: (pd.DataFrame({"a": [1]}, index=["x"]), pd.DataFrame({"a": [1]}, index=["y"])),
        "$.__index_level_0__[0]",
        V,
    ),
    (lambda: (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}, index=pd.RangeIndex(5, 6))), "$.__index_level_0__", X),
    (lambda: (pd.DataFrame({0: [1]}), pd.DataFrame({"0": [1]})), "$", T),
    (lambda: (pd.DataFrame({"a": [1, "x"]}), pd.DataFrame({"a": [1, "y"]})), "$.a[1]", V),
    (
        lambda: (pd.DataFrame({"a": [1, "x"]}, index=[7, 8]), pd.DataFrame({"a": [1, "x"]}, index=[7, 9])),
        "$.index[1]",
        V,
    ),
    (lambda: (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2]})), "$.a[0]", V),
    (lambda: (pl.Series("a", [1.0]), pl.Series("a", [2.0])), "$.values[0]", V),
    (lambda: (pl.Series("a", [1.0]), pl.Series("b", [1.0])), "$.name", V),
]
REFUSED = [
    pl.LazyFrame({"a": [1]}),
    iter([1]),
    (n for n in ()),
    {1: 2}.keys(),
    len,
    int,
    types,
    object(),
]


@pytest.mark.parametrize(("made", "path", "kind"), COMPARED, ids=[type(made()[0]).__name__ for made, _, _ in COMPARED])
def test_a_value_equals_another_of_the_same_making_and_differs_where_it_differs(
    made: Callable[[], tuple[Any, Any]], path: str, kind: str
) -> None:
    legacy, candidate = made()
    comparator = Comparator()
    for one, two, at in ((legacy, candidate, "$"), ([legacy], [candidate], "$[0]")):
        found = comparator.compare(one, two).differences[0]
        assert (found.path, found.kind) == (path.replace("$", at, 1), kind)
    same = comparator.compare([legacy], [made()[0]])
    assert (same.total, same.compared > 1) == (0, True), same.differences
    assert is_readable(type(legacy))


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: type(value).__name__)
def test_what_has_nothing_to_read_is_refused_and_the_error_says_what_to_do(value: Any) -> None:
    says = r"\$ of an? .*: a value of class .* has no fields that can be read: .* register\(.*, to_plain\)"
    with pytest.raises(CompareError, match=says):
        Comparator().compare(value, value)
    assert not is_readable(type(value))


def test_a_unit_that_declares_such_a_result_is_refused_before_anything_runs() -> None:
    def plan() -> pl.LazyFrame: ...

    def quotes() -> dict[str, deque[int]]: ...

    def walk() -> Iterator[int]: ...

    plan.__annotations__["return"] = pl.LazyFrame
    quotes.__annotations__["return"] = dict[str, deque[int]]
    with pytest.raises(CompareError, match=r"plan returns LazyFrame, which has no fields that can be read: register\("):
        refuse_unreadable(plan)
    refuse_unreadable(quotes)
    refuse_unreadable(walk)


def test_rules_reach_into_deques_arrays_and_series() -> None:
    rules = {"$[*]": "abs:0.5"}
    assert Comparator(rules).compare(deque([1.0], 3), deque([1.4], 3)).equal
    assert Comparator(rules).compare(array.array("d", [1.0]), array.array("d", [1.4])).equal
    assert Comparator({"$": "multiset"}).compare(deque([1, 2]), deque([2, 1])).equal
    ignored = {"$.values[*]": "abs:0.5", "$.name": "ignore(ana, the candidate gives none)"}
    assert Comparator(ignored).compare(pd.Series([1.0], name="a"), pd.Series([1.4])).equal


def test_who_takes_none_for_nan_says_so_at_its_column() -> None:
    pair = objects(1.0, None, 3.0), objects(1.0, np.nan, 3.0)
    assert not Comparator({"$.x[*]": "abs:0.5"}).compare(*pair).equal
    assert Comparator({"$.x[*]": "ignore(ana, the candidate knows no None)"}).compare(*pair).equal
    verdict = Comparator({"$.x[*]": "abs:0.5"}).compare(objects(1.0, np.nan), objects(1.4, np.nan))
    assert verdict.equal, verdict.differences


def test_an_address_that_was_asked_for_its_parts_is_the_same_address() -> None:
    asked, fresh = (ipaddress.ip_network("10.0.0.0/8") for _ in range(2))
    assert asked.broadcast_address
    assert asked.hostmask
    assert Comparator().compare(asked, fresh).equal


def test_another_order_of_keys_and_another_factory_are_no_difference() -> None:
    found = Comparator().compare(OrderedDict(a=1, b=2), OrderedDict(b=2, a=1))
    assert (found.equal, found.notes) == (True, ["$: keys in another order"])
    assert Comparator().compare(defaultdict(int, a=1), defaultdict(lambda: 0, a=1)).equal


def test_a_large_table_of_pandas_is_compared_by_cell() -> None:
    table = pd.DataFrame({"at": pd.date_range("2024-01-01", periods=50_000, freq="s"), "bid": np.arange(50_000.0)})
    other = table.copy()
    assert Comparator().compare(table, table.copy()).equal
    other.loc[49_999, "bid"] += 1e-9
    (found,) = Comparator().compare(table, other).differences
    assert (found.path, found.kind) == ("$.bid[49999]", V)
