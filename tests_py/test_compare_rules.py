"""What rules let pass, what they remember, and what no rule can be talked into."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from exuvia.errors import CompareError, ConfigError
from exuvia.migrate import Comparator, compare
from exuvia.migrate.comparator import ledger
from exuvia.migrate.comparator.comparing import is_readable, refuse_unreadable, register, unregister
from exuvia.migrate.config import Divergence, UnitConfig, load
from exuvia.migrate.dispatch import units
from exuvia.migrate.evidence.record import Record
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHO = ("ana", "legacy leaves the grid")


def only(verdict: Any) -> tuple[str, str]:
    assert verdict.total == 1, verdict.differences
    return verdict.differences[0].path, verdict.differences[0].kind


def declared(path: str = "$.price", budget: int = 2, **values: str) -> Divergence:
    return Divergence(path, *WHO, date(2026, 12, 31), budget, **values)


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The day on which the ledger thinks it is; a test may set another."""
    now = [date(2026, 11, 21)]
    monkeypatch.setattr(ledger, "today", lambda: now[0])
    return now


# --- the ledger ---


def test_a_declared_divergence_is_counted_and_a_difference_again_over_its_budget(day: list[date]) -> None:
    assert day
    entry = declared(legacy="25299.8", candidate="25299.75")
    comparator = Comparator(divergences=[entry])
    pair = ({"price": 25299.8}, {"price": 25299.75})
    for hits in (1, 2):
        verdict = comparator.compare(*pair)
        assert verdict.equal
        assert verdict.ignored == [("$.price", ledger.declared_name(entry), 1)]
        assert comparator.ledger()[0]["hits"] == hits
    over = comparator.compare(*pair)
    assert only(over) == ("$.price", "value")
    assert "hit 3 of a budget of 2" in over.differences[0].rule
    assert only(comparator.compare({"price": 25299.8}, {"price": 25300.0})) == ("$.price", "value")


def test_a_declared_divergence_is_a_difference_again_after_its_day(day: list[date]) -> None:
    comparator = Comparator(divergences=[declared()])
    assert comparator.compare({"price": 1.0}, {"price": 2.0}).equal
    day[0] = date(2026, 12, 31)
    assert comparator.compare({"price": 1.0}, {"price": 2.0}).equal
    day[0] = date(2027, 1, 1)
    assert "expired on 2026-12-31" in comparator.compare({"price": 1.0}, {"price": 2.0}).differences[0].rule


def test_the_ledgers_own_day_is_that_of_utc() -> None:
    assert ledger.today() in {datetime.now(UTC).date(), datetime.now(UTC).date() + timedelta(days=1)}
    assert Comparator(divergences=[Divergence("$", *WHO, date(1999, 1, 1), 5)]).compare(1, 2).total == 1


@pytest.mark.parametrize(
    ("values", "pair"),
    [
        ({"legacy": "1e+16"}, (1e16, 2.0)),
        ({"legacy": "'Buy'", "candidate": "'Sell'"}, ("Buy", "Sell")),
        ({"legacy": "Decimal('1.10')", "candidate": "Decimal('1.1')"}, (Decimal("1.10"), Decimal("1.1"))),
        ({"legacy": "None", "candidate": "0"}, (None, 0)),
        ({"legacy": "nan", "candidate": "0.0"}, (float("nan"), 0.0)),
        ({"legacy": "True", "candidate": "1"}, (True, 1)),
    ],
)
def test_values_are_declared_as_python_writes_them(values: dict[str, str], pair: tuple[Any, Any]) -> None:
    entry = Divergence("$", *WHO, date(9999, 12, 31), 1, **values)
    assert Comparator(divergences=[entry]).compare(*pair).equal
    assert not Comparator(divergences=[entry]).compare(pair[1], pair[0]).equal


def test_a_divergence_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(CompareError, match="must start with"):
        Comparator(divergences=[declared("price")])
    with pytest.raises(CompareError, match="owner and a reason"):
        Comparator(divergences=[Divergence("$", "", "x", date(2027, 1, 1), 1)])
    with pytest.raises(CompareError, match="budget"):
        Comparator(divergences=[declared(budget=0)])


def test_exceptions_and_what_only_one_side_has_can_be_declared(day: list[date]) -> None:
    assert day
    outcomes = ((3, None), (None, ValueError("off")))
    assert Comparator(divergences=[declared("$")]).compare_outcomes(*outcomes).equal
    raised = ((None, KeyError("a")), (None, ValueError("a")))
    assert Comparator(divergences=[declared("$raise")]).compare_outcomes(*raised).equal
    assert Comparator(divergences=[declared("$.new")]).compare({"a": 1}, {"a": 1, "new": 2}).equal
    args = Comparator(divergences=[declared("$args[0].n")])
    assert args.compare({0: {"n": 1}}, {0: {"n": 2}}, "$args").equal


def test_a_report_says_how_each_declaration_stands_over_all_processes() -> None:
    entries = [declared(f"$.{name}", budget=3) for name in ("unused", "open", "used", "over")]
    entries.append(Divergence("add:$.late", *WHO, date(2020, 1, 1), 3))
    counts = {"open": 2, "used": 3, "over": 4, "late": 1}
    hits = {
        (path.partition(":")[2] or path, ledger.declared_name(entry)): counts.get(path.rpartition(".")[2], 0)
        for entry in entries
        for path in [entry.path]
    }
    lines = ledger.lines(entries, hits, date(2026, 11, 21))
    assert [line.state for line in lines] == ["unused", "open", "used up", "over budget", "expired"]
    assert [line.holds for line in lines] == [True, True, True, False, False]
    assert lines[1].hits == 2
    assert ledger.lines(entries[:1], {})[0].state in ("unused", "expired")


def test_the_methods_of_a_class_share_one_ledger_and_one_renaming(day: list[date]) -> None:
    assert day
    entries = (declared("$.price"), declared("add:$.volume"))
    unit = UnitConfig("bot:Book", "new:Book", compare=(("$.id", "ids"),), divergences=entries)
    whole = ledger.comparator_of(unit)
    add = ledger.comparator_of(unit, {"$.id": "ids"}, method="add", share=whole)
    assert not whole.compare({"volume": 1}, {"volume": 2}).equal
    assert add.compare({"volume": 1}, {"volume": 2}).equal
    assert whole.compare({"price": 1}, {"price": 2}).equal
    assert add.compare({"price": 1}, {"price": 2}).equal
    assert not whole.compare({"price": 1}, {"price": 2}).equal
    assert whole.compare({"id": "A-1"}, {"id": "A-2"}).equal
    assert not add.compare({"id": "A-1"}, {"id": "A-3"}).equal
    again = pickle.loads(pickle.dumps(whole))  # noqa: S301
    assert [row["hits"] for row in again.ledger()] == [0]
    assert again.rules == whole.rules


def test_an_ignoring_rule_ends_as_well(day: list[date]) -> None:
    rule = "ignore(ana, name of the machine, until=2026-12-31, budget=2)"
    comparator = Comparator({"$.host": rule})
    pair = ({"host": "a", "x": 1}, {"host": "b", "x": 1})
    assert comparator.compare(*pair).ignored == [("$.host", rule, 1)]
    assert comparator.compare(*pair).equal
    assert "hit 3 of a budget of 2" in comparator.compare(*pair).differences[0].rule
    day[0] = date(2027, 1, 1)
    assert "expired" in Comparator({"$.host": rule}).compare(*pair).differences[0].rule


# --- ids ---


def test_ids_follow_one_renaming_over_calls_until_they_are_forgotten() -> None:
    comparator = Comparator({"$[*].id": "ids", "$[*].nonce": "ids(any, scope=call, name=nonce)"})

    def call(*ids: str, nonce: str = "x") -> list[dict[str, str]]:
        return [{"id": one, "nonce": nonce} for one in ids]

    assert comparator.compare(call("LB-1", "LB-2"), call("LB-8", "LB-9", nonce="other")).equal
    assert only(comparator.compare(call("LB-2"), call("LB-8"))) == ("$[0].id", "value")
    assert only(comparator.compare(call("LB-1"), call("LB-1"))) == ("$[0].id", "value")
    assert comparator.compare(call("LB-1"), call("LB-8", nonce="third")).equal
    assert comparator.forget("session") == 2
    assert comparator.forget() == 0
    assert comparator.compare(call("LB-2"), call("LB-8")).equal
    with pytest.raises(CompareError, match="scope"):
        comparator.forget("week")


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
        register(Handle, 3)  # type: ignore[arg-type]
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


def anything_at_all() -> tuple[object, Sequence]:  # type: ignore[type-arg]
    return None, []


def unresolved() -> Nowhere:  # type: ignore[name-defined]  # noqa: F821
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


# --- arrays and tables ---


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
    import resource  # noqa: PLC0415
    import tracemalloc  # noqa: PLC0415

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


# --- as declared ---


CONFIG = """
[exuvia]
evidence = "evidence"
[unit."bot.prices:round_to_tick"]
candidate = "shim:round_to_tick"
effect = "pure"
compare = {{ "$" = "exact" }}
[[unit."bot.prices:round_to_tick".diverges]]
path = "{path}"
owner = "ana"
reason = "off the grid"
expires = 2027-01-31
budget = 3
"""


@pytest.mark.parametrize(("path", "good"), [("$", True), ("add:$.price", True), ("price", False), ("$.a..b", False)])
def test_a_declared_path_that_cannot_be_read_is_refused_when_the_file_is(tmp_path: Path, path: str, good: bool) -> None:
    file = tmp_path / "exuvia.toml"
    file.write_text(CONFIG.format(path=path), encoding="utf-8")
    if good:
        assert load(file).units["bot.prices:round_to_tick"].divergences[0].path == path
        return
    with pytest.raises(ConfigError, match=r"exuvia.toml:\d+: .*path '"):
        load(file)
    assert load(file, rules=False).units


def test_a_unit_with_an_unreadable_result_is_refused_at_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bot_of_handles.py").write_text(
        "class Handle:\n    __slots__ = ()\n\n\ndef connect() -> Handle:\n    return Handle()\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "exuvia.toml"
    unit = '[unit."bot_of_handles:connect"]\ncandidate = "test_compare_rules:connect"\neffect = "pure"\n'
    file.write_text(f"[exuvia]\nevidence = 'evidence'\n{unit}", encoding="utf-8")
    config = load(file)
    with pytest.raises(ConfigError, match=r"exuvia.toml:3: .*connect returns Handle.*register"):
        units.make(config, config.units["bot_of_handles:connect"], Record("bot_of_handles:connect", print))
    file.write_text(f"[exuvia]\nevidence = 'evidence'\n{unit}compare = {{ '$' = 'repr' }}\n", encoding="utf-8")
    config = load(file)
    assert units.make(config, config.units["bot_of_handles:connect"], Record("bot_of_handles:connect", print))
