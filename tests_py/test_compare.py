"""The comparator: what counts as the same, and where it says a difference lies."""

from __future__ import annotations

import copy
import enum
import io
import pickle
from collections import namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exuvia.errors import CompareError
from exuvia.migrate import Comparator, compare
from hypothesis import given, settings
from hypothesis import strategies as st


class Side(enum.Enum):
    BUY = "Buy"
    SELL = "Sell"


class Other(enum.Enum):
    BUY = "Buy"


@dataclass
class Fill:
    price: float
    amount: int


@dataclass
class RustFill:
    amount: int
    price: float
    venue: str = "SIM"


class Slotted:
    __slots__ = ("bid", "late")

    def __init__(self, bid: float) -> None:
        self.bid = bid


Point = namedtuple("Point", "x y")


def only(legacy: object, candidate: object, rules: dict[str, str] | None = None) -> tuple[str, str]:
    verdict = compare(legacy, candidate, rules)
    assert verdict.total == 1, verdict.differences
    assert not verdict
    return verdict.differences[0].path, verdict.differences[0].kind


@pytest.mark.parametrize(
    ("legacy", "candidate", "kind"),
    [
        (True, 1, "type"),
        (1, 1.0, "type"),
        (0.0, -0.0, "value"),
        (1.0, float("nan"), "value"),
        ("1", 1, "type"),
        ("a", b"a", "type"),
        (None, 0, "type"),
        (Decimal("1.0"), Decimal("1.00"), "value"),
        (Decimal("1"), 1, "type"),
        (2**70, 2**70 + 1, "value"),
        (2**300, 2**300 + 1, "value"),
        ([1], (1,), "type"),
        ([1, 2], [2, 1], "order-only"),
        ([1, 2], [1], "length"),
        (Side.BUY, Side.SELL, "value"),
        (Side.BUY, Other.BUY, "type"),
        (Side.BUY, "Buy", "type"),
        (date(2014, 5, 7), date(2014, 5, 8), "value"),
        (datetime(2014, 5, 7), datetime(2014, 5, 7, tzinfo=UTC), "type"),
        (datetime(2014, 5, 7, tzinfo=UTC), datetime(2014, 5, 7, 0, 0, 0, 1, tzinfo=UTC), "value"),
        (timedelta(1), timedelta(2), "value"),
        (Point(1, 2), (1, 2), "type"),
        (np.float64(1.0), 1.0, "type"),
        (np.int32(1), np.int64(1), "type"),
        ({"a"}, {"b"}, None),
        ({1}, frozenset({1}), "type"),
    ],
)
def test_values_that_only_look_the_same_differ(legacy: object, candidate: object, kind: str | None) -> None:
    verdict = compare(legacy, candidate)
    assert not verdict.equal
    if kind is not None:
        assert verdict.differences[0].kind == kind
    assert compare(legacy, legacy).equal
    assert compare(candidate, candidate).equal


def test_one_nan_equals_another_and_an_instant_is_one_in_every_zone() -> None:
    assert compare(float("nan"), -float("nan")).equal
    eastern = datetime(2014, 5, 7, 8, tzinfo=timezone(timedelta(hours=-4)))
    assert compare(datetime(2014, 5, 7, 12, tzinfo=UTC), eastern).equal
    assert compare("\ud800", "\ud800").equal
    assert not compare("\ud800", "\ud801").equal


def test_a_difference_names_its_path_both_values_and_the_rule() -> None:
    found = compare(
        {"fills": [{"price": 1.1}, {"price": 1.2}]}, {"fills": [{"price": 1.1}, {"price": 1.3}]}
    ).differences[0]
    assert (found.path, found.place) == ("$.fills[1].price", "$.fills[*].price")
    assert (found.legacy, found.candidate, found.rule, found.kind) == ("1.2", "1.3", "exact", "value")


def test_keys_that_are_no_names_and_keys_that_are_no_text_have_paths_too() -> None:
    assert only({"a b": 1}, {"a b": 2}) == ('$["a b"]', "value")
    assert only({7: 1}, {7: 2}) == ("$[7]", "value")
    assert only({(1, 2): 1}, {(1, 2): 2})[1] == "value"
    assert only({"a": 1, "b": 2}, {"a": 1}) == ("$.b", "missing")
    assert only({"a": 1}, {"b": 2, "a": 1}) == ("$.b", "extra")


def test_another_order_of_keys_is_noted_and_no_difference() -> None:
    verdict = compare({"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"d": 3, "c": 2}})
    assert verdict.equal
    assert verdict.notes == ["$.b: keys in another order"]


@pytest.mark.parametrize(
    ("rule", "near", "far"),
    [
        ("abs:0.01", (1.0, 1.01 - 1e-9), (1.0, 1.02)),
        ("rel:1e-6", (1e6, 1e6 + 0.5), (1e6, 1e6 + 2)),
        ("ulp:2", (1.0, 1.0000000000000004), (1.0, 1.0000000000000009)),
        ("tick:0.00001", (1.1, 1.1 + 1e-12), (1.1, 1.10001)),
        ("tick:0.01", (Decimal("1.10"), Decimal("1.1")), (Decimal("1.10"), Decimal("1.11"))),
        ("abs:1", (10, 11), (10, 12)),
        ("number", (1, 1.0), (1, 1.5)),
        ("number", (np.float64(2.5), 2.5), (np.float64(2.5), 2.75)),
    ],
)
def test_a_tolerance_lets_the_near_pass_and_names_the_far(rule: str, near: Any, far: Any) -> None:
    assert compare({"x": near[0]}, {"x": near[1]}, {"$.x": rule}).equal
    path, kind = only({"x": far[0]}, {"x": far[1]}, {"$.x": rule})
    assert path == "$.x"
    assert kind == ("value" if rule == "number" else "tolerance-exceeded")
    assert not compare({"y": far[0]}, {"y": far[1]}, {"$.x": rule}).equal


def test_a_tolerance_is_no_way_around_nan_infinity_or_another_type() -> None:
    assert not compare([float("nan")], [1.0], {"$[*]": "abs:1e9"}).equal
    assert not compare([float("inf")], [-float("inf")], {"$[*]": "abs:1e9"}).equal
    assert only([1], [1.0], {"$[*]": "abs:1e9"}) == ("$[0]", "type")


@pytest.mark.parametrize(
    ("rules", "match"),
    [
        ({"price": "exact"}, "must start with"),
        ({"$.a[": "exact"}, "character 3"),
        ({"$.a": "about:3"}, "no rule 'about'"),
        ({"$.a": "abs:many"}, "'many' is not a number"),
        ({"$.a": "abs:-1"}, "above zero"),
        ({"$.a": "ulp:1.5"}, "whole number"),
        ({"$.a": "ignore(ana)"}, "owner and a reason"),
        ({"$.equity": "rel:1e-9"}, "money"),
        ({"$.pnl": "ulp:4"}, "money"),
    ],
)
def test_a_rule_that_is_not_known_is_refused_with_its_path(rules: dict[str, str], match: str) -> None:
    with pytest.raises(CompareError, match=match):
        Comparator(rules)


def test_the_more_specific_rule_wins_and_two_stars_reach_every_depth() -> None:
    legacy, candidate = {"a": {"b": [1.0]}, "c": 1.0}, {"a": {"b": [1.4]}, "c": 1.4}
    assert compare(legacy, candidate, {"$.**": "abs:0.5"}).equal
    assert only(legacy, candidate, {"$.**": "abs:0.5", "$.c": "exact"}) == ("$.c", "value")
    assert only(legacy, candidate, {"$.c": "exact", "$.**": "abs:0.5"}) == ("$.c", "value")


def test_an_ignored_difference_is_counted_and_nothing_but_ignored_is_no_equality() -> None:
    verdict = compare({"host": "a", "x": 1}, {"host": "b", "x": 1}, {"$.host": "ignore(ana, name of the machine)"})
    assert verdict.equal
    assert verdict.ignored == [("$.host", "ignore(ana, name of the machine)", 1)]
    assert compare({"x": 1, "host": "a"}, {"x": 1}, {"$.host": "ignore(ana, name of the machine)"}).equal
    assert not compare("a", "b", {"$": "ignore(ana, everything)"}).equal


def test_two_classes_are_equal_by_field_names_only_where_that_is_declared() -> None:
    assert only([Fill(1.0, 5)], [RustFill(5, 1.0)]) == ("$[0]", "type")
    verdict = compare([Fill(1.0, 5)], [RustFill(5, 1.0)], {"$[*]": "record"})
    assert verdict.equal
    assert verdict.notes == ["the candidate has a further field venue"]
    assert only([Fill(1.0, 5)], [RustFill(5, 1.5)], {"$[*]": "record"}) == ("$[0].price", "value")


def test_slots_that_are_not_set_are_missing() -> None:
    one, two = Slotted(1.0), Slotted(1.0)
    assert compare(one, two).equal
    one.late = 1
    assert only(one, two) == ("$.late", "missing")


def test_an_object_without_readable_fields_is_refused_with_what_to_do() -> None:
    with pytest.raises(CompareError, match="make it a dataclass"):
        compare(object(), object())
    with pytest.raises(CompareError, match="no fields"):
        compare((n for n in ()), (n for n in ()))
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(CompareError, match="inside itself"):
        compare(loop, loop)


def test_exceptions_are_compared_by_class_and_by_arguments_where_declared() -> None:
    def outcome(error: BaseException) -> tuple[None, BaseException]:
        return None, error

    plain = Comparator()
    assert plain.compare_outcomes(outcome(ValueError("a")), outcome(ValueError("b"))).equal
    found = plain.compare_outcomes(outcome(ValueError("a")), outcome(KeyError("a"))).differences[0]
    assert (found.path, found.kind) == ("$raise", "exception")
    strict = Comparator({"$raise": "args"})
    assert (
        strict.compare_outcomes(outcome(ValueError("a")), outcome(ValueError("b"))).differences[0].path
        == "$raise.args[0]"
    )
    base = Comparator({"$raise": "base"})
    assert base.compare_outcomes(outcome(ValueError("a")), outcome(CompareError("b"))).equal
    assert not base.compare_outcomes(outcome(ValueError("a")), outcome(KeyError("b"))).equal
    one = plain.compare_outcomes((3, None), outcome(ValueError("a"))).differences[0]
    assert (one.path, one.kind, one.legacy) == ("$", "exception", "3")
    both = plain.compare_outcomes(outcome(ValueError("a")), (3, None)).differences[0]
    assert (both.kind, both.candidate) == ("exception", "3")


def test_arrays_differ_by_dtype_shape_mask_and_cell() -> None:
    cells = np.array([1.0, np.nan, -0.0])
    assert compare(cells, cells.copy()).equal
    assert only(cells, cells.astype("f4")) == ("$", "type")
    assert only(cells, np.array([1.0, np.nan, 0.0])) == ("$[2]", "value")
    assert only(cells, cells.reshape(3, 1)) == ("$", "length")
    assert compare(cells, np.array([1.0, np.nan, 1e-9]), {"$": "abs:1e-6"}).equal
    masked = np.ma.masked_array([1, 2, 3], mask=[False, True, False])
    assert only(masked, np.ma.masked_array([1, 2, 3], mask=[False, False, False]))[0] == "$[1]"
    assert compare(np.array(["a", "b"]), np.array(["a", "b"])).equal
    assert only(np.array(["2014-05-07"], "M8[D]"), np.array(["2014-05-08"], "M8[D]")) == ("$[0]", "value")


def test_tables_differ_by_column_type_rows_order_and_cell() -> None:
    table = pa.table({"ts": pa.array([1, 2], pa.timestamp("ns", "UTC")), "close": [1.0, None], "sym": ["a", "b"]})
    assert compare(table, pa.table(table.columns, schema=table.schema)).equal
    assert only(table, table.set_column(1, "close", pa.array([1.0, 2.0]))) == ("$.close[1]", "type")
    assert only(table, table.set_column(1, "close", pa.array([1.5, None]))) == ("$.close[0]", "value")
    assert only(table, table.set_column(1, "close", pa.array([1, None]))) == ("$.close", "type")
    assert only(table, table.drop_columns(["sym"])) == ("$.sym", "missing")
    assert only(table, table.select(["close", "ts", "sym"])) == ("$", "order-only")
    assert only(table, table.slice(0, 1)) == ("$", "length")
    assert compare(table, table.set_column(1, "close", pa.array([1.000001, None])), {"$.close": "tick:0.01"}).equal
    assert compare(pa.chunked_array([[1, 2], [3]]), pa.chunked_array([[1], [2, 3]])).equal


def parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def test_parquet_bytes_are_compared_as_tables_where_declared() -> None:
    table = pa.table({"close": [1.0, 2.0], "ticks": [3, 4]})
    one, two = parquet(table), parquet(table, compression="zstd")
    assert not compare(one, two).equal
    assert compare(one, two, {"$": "parquet"}).equal
    other = parquet(table.set_column(0, "close", pa.array([1.0, 2.5])))
    assert only(one, other, {"$": "parquet"}) == ("$.close[1]", "value")
    assert only(one, one[:-9], {"$": "parquet"})[0] == "$"


def test_verdicts_and_differences_are_values() -> None:
    verdict = compare({"a": 1}, {"a": 2}, {"$.b": "ignore(ana, x)"})
    again = pickle.loads(pickle.dumps(verdict))
    assert again == verdict
    assert hash(again.differences[0]) == hash(verdict.differences[0])
    assert "$.a" in repr(verdict)
    rules = pickle.loads(pickle.dumps(Comparator({"$.a": "abs:2"})))
    assert rules.compare({"a": 1}, {"a": 2}).equal


def test_the_first_differences_are_kept_and_all_are_counted() -> None:
    verdict = compare(list(range(1000)), [n + 1 for n in range(1000)])
    assert (verdict.total, len(verdict.differences)) == (1000, 20)
    long = compare("a" * 10_000, "b" * 10_000).differences[0]
    assert len(long.legacy) < 200


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals()
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(values)
def test_a_value_equals_its_copy(value: Any) -> None:
    verdict = compare(value, copy.deepcopy(value))
    assert verdict.equal, verdict.differences


def ways(value: Any, path: str = "$") -> list[tuple[str, Any]]:
    """Paths of all leaves and how to reach them, written without the comparator."""
    if isinstance(value, list):
        return [(p, (i, w)) for i, item in enumerate(value) for p, w in ways(item, f"{path}[{i}]")]
    if isinstance(value, dict):
        found = []
        for key, item in value.items():
            plain = key != "" and all(c == "_" or (c.isascii() and c.isalnum()) for c in key)
            found += [(p, (key, w)) for p, w in ways(item, f"{path}.{key}" if plain else f'{path}["{key}"]')]
        return found
    return [(path, None)]


@settings(max_examples=300, deadline=None)
@given(values, st.data())
def test_a_changed_leaf_is_reported_at_its_path(value: Any, data: st.DataObject) -> None:
    leaves_ = ways(value)
    if not leaves_ or not isinstance(value, (list, dict)):
        return
    path, way = data.draw(st.sampled_from(leaves_))
    changed = copy.deepcopy(value)
    holder, key, rest = changed, way[0], way[1]
    while rest is not None:
        holder, key, rest = holder[key], rest[0], rest[1]
    holder[key] = Fill(1.0, 1)
    verdict = compare(value, changed)
    assert verdict.total == 1
    assert verdict.differences[0].path == path
