"""What rules let pass, what they remember, and what no rule can be talked into."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from exuvia.errors import CompareError
from exuvia.migrate import Comparator, compare
from exuvia.migrate.comparator.comparing import is_readable, refuse_unreadable, register, unregister
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator


def only(verdict: Any) -> tuple[str, str]:
    assert verdict.total == 1, verdict.differences
    return verdict.differences[0].path, verdict.differences[0].kind


# --- ids ---


def test_ids_follow_one_renaming_over_calls_and_those_of_one_call_end_with_it() -> None:
    comparator = Comparator({"$[*].id": "ids", "$[*].nonce": "ids(any, scope=call, name=nonce)"})

    def call(*ids: str, nonce: str = "x") -> list[dict[str, str]]:
        return [{"id": one, "nonce": nonce} for one in ids]

    assert comparator.compare(call("LB-1", "LB-2"), call("LB-8", "LB-9", nonce="other")).equal
    assert only(comparator.compare(call("LB-2"), call("LB-8"))) == ("$[0].id", "value")
    assert only(comparator.compare(call("LB-1"), call("LB-1"))) == ("$[0].id", "value")
    assert comparator.compare(call("LB-1"), call("LB-8", nonce="third")).equal
    assert only(comparator.compare(call("LB-2"), call("LB-7"))) == ("$[0].id", "value")
    for scope in ("session", "week"):
        with pytest.raises(CompareError, match=f"scope '{scope}' is not call or unit"):
            Comparator({"$": f"ids(scope={scope})"})


def test_equal_ids_are_remembered_too() -> None:
    comparator = Comparator({"$.id": "ids"})
    assert comparator.compare({"id": "a-1"}, {"id": "a-1"}).equal
    assert not comparator.compare({"id": "a-1"}, {"id": "a-2"}).equal
    assert not comparator.compare({"id": "a-3"}, {"id": "a-1"}).equal


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=12), st.permutations(range(7)), st.data())
def test_any_bijection_passes_and_any_break_of_it_is_seen(
    names: list[int], order: list[int], data: st.DataObject
) -> None:
    legacy = [f"LB-{name}" for name in names]
    candidate = [f"LB-{order[name] + 100}" for name in names]
    assert Comparator({"$[*]": "ids"}).compare(legacy, candidate).total == 0
    repeated = [at for at, name in enumerate(names) if name in names[:at]]
    if repeated:
        broken = list(candidate)
        broken[data.draw(st.sampled_from(repeated))] = "LB-999"
        assert not Comparator({"$[*]": "ids"}).compare(legacy, broken).equal


# --- objects without fields ---


class Handle:
    __slots__ = ()
    number = 7

    def __repr__(self) -> str:
        return f"Handle({self.number})"


class Other(Handle):
    __slots__ = ()
    number = 8


@pytest.fixture
def registered() -> Iterator[None]:
    yield
    unregister(Handle)


def test_an_object_without_fields_is_refused_with_its_place_and_the_ways_out() -> None:
    with pytest.raises(CompareError, match=r"\$\.rows\[1\] of a dict.*Handle.*register\(.*repr or ignore"):
        compare({"rows": [1, Handle()]}, {"rows": [1, Handle()]})
    with pytest.raises(CompareError, match=r"\$\[0\]"):
        compare([None], [Handle()])
    assert not compare({Handle()}, {Handle()}).equal
    verdict = compare([Handle(), 1], [Handle(), 1], {"$[0]": "ignore(ana, a handle)"})
    assert verdict.equal


@pytest.mark.usefixtures("registered")
def test_a_registered_class_is_compared_by_its_parts_and_its_subclasses_too() -> None:
    assert not is_readable(Handle)
    register(Handle, lambda handle: {"number": handle.number})
    assert is_readable(Handle)
    assert compare([Handle()], [Handle()]).equal
    assert only(compare([Handle()], [Other()])) == ("$[0]", "type")
    one, two = Other(), Other()
    assert compare(one, two).equal
    assert unregister(Handle)
    assert not unregister(Handle)
    with pytest.raises(CompareError, match="no fields"):
        compare(Handle(), Handle())
    with pytest.raises(CompareError, match="needs a function"):
        register(Handle, 3)
    register(Handle, lambda handle: handle)
    with pytest.raises(CompareError, match="the value itself"):
        compare(Handle(), Handle())


def test_the_rule_repr_compares_text_and_refuses_addresses() -> None:
    assert compare([Handle()], [Handle()], {"$[*]": "repr"}).equal
    with pytest.raises(CompareError, match="names its address"):
        compare(object(), object(), {"$": "repr"})


def connect() -> Handle:
    return Handle()


def quotes() -> dict[str, list[Decimal | None]]:
    return {}


def anything_at_all() -> tuple[object, Sequence]:
    return None, []


def unresolved() -> Nowhere:  # noqa: F821 - the name is missing on purpose
    return None


def test_a_unit_whose_declared_result_cannot_be_read_is_refused_before_it_runs() -> None:
    with pytest.raises(CompareError, match="connect returns Handle"):
        refuse_unreadable(connect)
    refuse_unreadable(connect, {"$": "repr"})
    refuse_unreadable(quotes)
    refuse_unreadable(lambda: None)
    refuse_unreadable(anything_at_all)
    refuse_unreadable(unresolved)
    refuse_unreadable(print)


# --- what was seen elsewhere ---


def test_effects_reads_panics_and_timeouts_have_kinds_of_their_own() -> None:
    comparator = Comparator()
    order = {"side": "Buy", "amount": 1000}
    assert comparator.compare_effects([order], [order]).equal
    assert only(comparator.compare_effects([order], [])) == ("$effects[0]", "effect-missing")
    assert only(comparator.compare_effects([], [order])) == ("$effects[0]", "effect-extra")
    other = {**order, "side": "Sell"}
    assert only(comparator.compare_effects([order], [other])) == ("$effects[0].side", "effect-different")
    assert only(comparator.compare_reads(["a"], ["a", "b"])) == ("$reads[1]", "extra-read")
    assert only(comparator.differs("timeout", 3, "no answer in 1 s")) == ("$", "timeout")
    assert comparator.differs("panic", Handle(), None).differences[0].legacy == "test_compare_rules.Handle"
    with pytest.raises(CompareError, match="one of type, value"):
        comparator.differs("odd", 1, 2)
    assert only(Comparator({"$effects[*].amount": "abs:1"}).compare_effects([{"amount": 1}], [{"amount": 3}])) == (
        "$effects[0].amount",
        "effect-different",
    )


def test_a_panic_is_one_also_where_legacy_raised() -> None:
    class PanicError(Exception):
        pass

    outcomes = ((None, ValueError("a")), (None, PanicError("b")))
    assert only(Comparator().compare_outcomes(*outcomes)) == ("$", "panic")
    assert only(Comparator().compare_outcomes((3, None), (None, PanicError("b")))) == ("$", "panic")


# --- bounds ---


def test_values_nested_too_deep_or_in_themselves_are_refused_and_never_overflow() -> None:
    deep: Any = 1
    for _ in range(50_000):
        deep = [deep]
    with pytest.raises(CompareError, match="nested deeper than 100"):
        compare(deep, deep)
    loop: dict[str, Any] = {}
    loop["self"] = loop
    with pytest.raises(CompareError, match="inside itself"):
        compare(loop, loop)
    while isinstance(deep, list):
        deep = deep.pop()


def test_shared_lists_that_stand_for_more_than_memory_holds_are_refused() -> None:
    shared: list[Any] = [1.0]
    for _ in range(60):
        shared = [shared, shared]
    with pytest.raises(CompareError, match="more than 4000000 values"):
        compare(shared, shared)


def test_huge_numbers_and_texts_are_shown_cut_and_compared_whole() -> None:
    one, two = 10**50_000, 10**50_000 + 1
    verdict = compare([one], [two])
    assert only(verdict) == ("$[0]", "value")
    assert len(verdict.differences[0].legacy) < 200
    assert only(compare("a" * 1_000_000 + "b", "a" * 1_000_000 + "c")) == ("$", "value")
    assert only(compare([1] * 1_000 + [2], [1] * 1_000 + [3])) == ("$[1000]", "value")


def test_what_is_truncated_is_not_equal() -> None:
    verdict = Comparator(limit=1).compare([1, 2, 3], [4, 5, 6])
    assert (verdict.total, len(verdict.differences), verdict.equal) == (3, 1, False)
    assert not Comparator(limit=0).compare(1, 2).equal


def test_money_is_not_measured_by_its_own_size_whoever_says_so() -> None:
    legacy, candidate = {"equity": 1e6, "price": 1e6}, {"equity": 1e6 + 1e-6, "price": 1e6 + 1e-6}
    verdict = compare(legacy, candidate, {"$.**": "rel:1e-9"})
    assert only(verdict) == ("$.equity", "value")
    assert verdict.notes == ["$.equity: money is compared exactly, the relative rule is not used"]


# --- the short way ---


@dataclass
class Row:
    price: float
    tags: set[str] = field(default_factory=set)


SLOW = Comparator({"$self.nowhere": "ids"})
QUICK = Comparator()
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.binary(max_size=4),
    st.decimals(), st.datetimes(), st.dates(), st.timedeltas(), st.uuids(), st.fractions(),
)  # fmt: skip
anything = st.recursive(
    scalars | st.builds(Row, st.floats(), st.sets(st.text(max_size=2), max_size=3)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(0, 3) | st.tuples(st.integers()), inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3).map(OrderedDict)
        | st.lists(st.floats(), max_size=4).map(np.array)
        | st.lists(st.floats(), max_size=4).map(pa.array)
        | st.lists(st.integers(0, 9), max_size=4).map(lambda cells: pa.table({"n": pa.array(cells, pa.int64())}))
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(anything, anything)
def test_the_short_way_says_what_the_long_way_says(one: Any, two: Any) -> None:
    for pair in ((one, copy.deepcopy(one)), (one, two), (two, one)):
        short, long = QUICK.compare(*pair), SLOW.compare(*pair)
        assert short == long


@settings(max_examples=200, deadline=None)
@given(anything, anything)
def test_exchanged_sides_differ_alike(one: Any, two: Any) -> None:
    there, back = QUICK.compare(one, two), QUICK.compare(two, one)
    turned = {"missing": "extra", "extra": "missing"}
    assert there.equal == back.equal
    assert there.total == back.total
    if there.total <= 20:
        assert sorted((found.path, found.kind) for found in there.differences) == sorted(
            (found.path, turned.get(found.kind, found.kind)) for found in back.differences
        )
