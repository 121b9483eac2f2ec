"""Legacy answers for a candidate that raised only where it is surely given what the candidate was given."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import decimal
import enum
import functools
import threading
import types
import zoneinfo
from collections import namedtuple
from typing import TYPE_CHECKING, Any, NamedTuple

import exuvia.migrate
import pytest
from exuvia._exuvia import Switch
from exuvia.migrate import config as configuration
from exuvia.migrate.dispatch import rescue, untouched
from exuvia.migrate.dispatch.canary import place
from exuvia.migrate.evidence import reading
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.modes.guard import Guard
from shadowing import Shadowed, shadowed, until

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["shadowed"]


class Side(enum.Enum):
    BUY = "buy"


class Wide(enum.IntFlag):
    ONE = 1
    TWO = 2


class Laden(enum.Enum):
    ONE = []  # noqa: RUF012 - that a member can hold a list is what is looked at


class Fill(NamedTuple):
    price: decimal.Decimal
    tags: Any = ()


class Symbol(str):
    __slots__ = ()


class Loose(str):
    pass


@dataclasses.dataclass(frozen=True)
class Quote:
    bid: float
    more: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    bid: float
    more: Any = None


@dataclasses.dataclass
class Open:
    bid: float


@dataclasses.dataclass(frozen=True)
class FrozenList(list):  # type: ignore[type-arg]
    bid: float = 0.0


class Derived(Quote):
    pass


class Stateless:
    __slots__ = ()


class WithSlot:
    __slots__ = ("n",)


class Plain:
    pass


Pair = namedtuple("Pair", "a b")
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
KEPT = [
    1, 2.5, 1j, True, None, "EURUSD", b"\0", ..., range(3), slice(1, 2), decimal.Decimal("1.10"), Side.BUY,
    Wide.ONE | Wide.TWO,
    datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2), datetime.datetime(2026, 1, 2, tzinfo=NEW_YORK),
    datetime.time(9, 30, tzinfo=datetime.UTC), datetime.timedelta(1), (1, ("a", frozenset({2}))),
    Fill(decimal.Decimal(1)), Pair(1, "x"), Symbol("EURUSD"), Quote(1.0, ("a",)), Slotted(1.0, Side.BUY),
    Stateless(), object(), int,
]  # fmt: skip
CHANGED = [
    [], {}, set(), bytearray(), iter("ab"), (n for n in ()), Open(1.0), Plain(), WithSlot(), lambda: 0, len, Plain,
    types, ([],), frozenset({(1, Plain())}), Fill(decimal.Decimal(1), []), Pair({}, 1), Loose("x"),
    Quote(1.0, []), Slotted(1.0, {}), Derived(1.0), FrozenList(), slice([], 2), memoryview(bytearray(2)), Laden.ONE,
    types.MappingProxyType({}), Exception(), range(3).__iter__(), functools.partial(len),
    threading.Lock(), tuple(range(20_000)),
]  # fmt: skip


@pytest.mark.parametrize("value", KEPT, ids=lambda value: type(value).__name__)
def test_what_nothing_can_change_is_given_to_legacy_again(value: Any) -> None:
    assert untouched.changeable(value) is None
    assert untouched.why_not(None, (1, (value,)), {"x": value}) is None


@pytest.mark.parametrize("value", CHANGED, ids=lambda value: type(value).__name__)
def test_whatever_may_have_been_changed_is_not(value: Any) -> None:
    def call(book: Any, qty: Any = 1) -> None: ...

    assert untouched.changeable(value) is not None
    said = untouched.why_not(call, (1, value), {})
    assert said is not None
    assert said.startswith("qty is a")
    assert untouched.why_not(len, (value,), {}).startswith("argument 0 is a")  # type: ignore[union-attr]
    assert untouched.why_not(call, (), {"book": value}).startswith("book is a")  # type: ignore[union-attr]


def test_arrays_count_only_if_nobody_can_write_them_and_tables_of_arrow_do() -> None:
    numpy, arrow, pandas = (pytest.importorskip(name) for name in ("numpy", "pyarrow", "pandas"))
    own = numpy.arange(3.0)
    view = own[1:]
    view.flags.writeable = False
    assert "ndarray" in untouched.changeable(own)  # type: ignore[operator]
    assert untouched.changeable(view) is not None, "what it is a view of can be written"
    own.flags.writeable = False
    assert [untouched.changeable(each) for each in (own, view, numpy.frombuffer(b"\0" * 8))] == [None] * 3
    held = numpy.array([[], {}], dtype=object)
    held.flags.writeable = False
    assert untouched.changeable(held) is not None
    assert untouched.changeable(numpy.zeros(1, dtype=[("a", "i4")])[0]) is not None, "a record can be written"
    kept = [numpy.float64(1.0), numpy.int32(1), numpy.datetime64("2026-01-02"), numpy.str_("a"), numpy.bool_(True)]
    kept += [arrow.table({"a": [1]}), arrow.array([1]), arrow.scalar(1), arrow.table({"a": [1]}).schema]
    kept += [
        pandas.Timestamp("2026-01-02"),
        pandas.Timestamp("2026-01-02", tz=NEW_YORK),
        pandas.NaT,
        pandas.Timedelta(1),
    ]
    assert [untouched.changeable(each) for each in kept] == [None] * len(kept)
    for each in (pandas.DataFrame({"a": [1]}), pandas.Series([1]), arrow.BufferOutputStream()):
        assert untouched.changeable(each) is not None, type(each)


def test_what_cannot_be_looked_at_counts_as_changed_and_no_room_to_look_accuses_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def raising(error: Exception) -> Any:
        def raises(*_: Any) -> None:
            raise error

        return raises

    monkeypatch.setattr(rescue, "why_not", raising(OSError("x")))
    assert rescue.judge(len, (1,), {}, KeyError()) == "the arguments cannot be looked at (OSError)"
    monkeypatch.setattr(rescue, "why_not", raising(RecursionError()))
    assert rescue.judge(len, (1,), {}, KeyError()) is False


def failing(mode: str, **more: Any) -> tuple[Switch, list[Any]]:
    """A switch whose candidate eats its first argument and raises."""
    served: list[Any] = []

    def legacy(book: Any, qty: int = 0) -> Any:
        served.append(book)
        return "legacy", qty

    def candidate(book: Any, qty: int = 0) -> Any:
        book.pop()
        raise OverflowError("bug")

    switch = Switch(legacy, candidate, legacy, candidate if more.get("reverse") else None)
    switch.set_canary(place("$args.qty", legacy), 1.0, bytes(16))
    switch.set_fallback(True)
    switch.set_mode(mode)
    return switch, served


@pytest.mark.parametrize("mode", ["rust", "canary"])
@pytest.mark.parametrize("reverse", [True, False])
def test_a_candidate_that_ate_its_argument_is_not_answered_for_and_serves_no_more(mode: str, reverse: bool) -> None:
    switch, served = failing(mode, reverse=reverse)
    book = [1, 2, 3]
    with pytest.raises(OverflowError, match="bug") as caught:
        switch.callable(book, qty=3)
    assert (book, served, caught.value.__context__) == ([1, 2], [], None)
    assert switch.mode == "legacy"
    assert switch.callable(book, 2) == ("legacy", 2)
    counts = switch.counts()
    assert (counts["unanswered"], counts["fallbacks"], counts["answered"], counts["candidate_calls"]) == (1, 0, 0, 1)
    said = "OverflowError: bug (book is a list, which may have been changed)"
    assert (switch.troubles(), switch.fell(), switch.fell()) == ([said], said, None)
    switch.set_mode("rust")
    assert switch.mode == "rust"


def test_without_fallback_the_error_is_raised_and_accuses_nobody() -> None:
    switch, _ = failing("rust")
    switch.set_fallback(False)
    for _ in range(2):
        with pytest.raises(OverflowError):
            switch.callable([1])
    assert (switch.mode, switch.counts()["unanswered"], switch.fell()) == ("rust", 0, None)


LEGACY = """
import dataclasses, itertools
def fill(book, qty=3):
    got = 0
    while book and got < qty:
        got += book.pop(0)
    return got
def memo(x, kept={}):
    kept[x] = kept.get(x, 0) + 1
    return kept[x]
def price(n):
    return n * 2
async def fetch(book):
    book.append(1)
    return len(book)
def walk(book):
    while book:
        yield book.pop(0)
def steps(n):
    for i in range(n):
        yield i
async def stream(book):
    while book:
        yield book.pop(0)
@dataclasses.dataclass(frozen=True)
class Rate:
    rate: int
    def of(self, n):
        return n * self.rate
class Count:
    def __init__(self):
        self.n = 0
    def add(self, n):
        self.n += n
        return self.n
"""
CANDIDATE = """
import dataclasses
def fill(book, qty=3):
    book.pop(0)
    raise OverflowError("bug")
def memo(x, kept={}):
    kept[x] = kept.get(x, 0) + 1
    raise OverflowError("bug")
def price(n):
    raise OverflowError("bug")
async def fetch(book):
    book.append(1)
    raise OverflowError("bug")
def walk(book):
    yield book.pop(0)
    raise OverflowError("bug")
def steps(n):
    got = yield 0
    raise OverflowError("bug")
async def stream(book):
    yield book.pop(0)
    raise OverflowError("bug")
class Rate:
    def of(self, n):
        raise OverflowError("bug")
class Count:
    def add(self, n):
        self.n += n
        raise OverflowError("bug")
"""


async def drained(stream: Any) -> list[Any]:
    return [item async for item in stream]


@pytest.mark.parametrize(
    ("name", "first", "again", "why"),
    [
        ("fill", lambda m: m.fill([1, 2, 3]), lambda m: m.fill([1, 2, 3]) == 3, "book is a list"),
        ("memo", lambda m: m.memo(1), lambda m: m.memo(2) == 1, "kept is a dict"),
        ("fetch", lambda m: asyncio.run(m.fetch([])), lambda m: asyncio.run(m.fetch([])) == 1, "book is a list"),
        ("walk", lambda m: list(m.walk([1, 2])), lambda m: list(m.walk([1, 2])) == [1, 2], "book is a list"),
        (
            "stream",
            lambda m: asyncio.run(drained(m.stream([1, 2]))),
            lambda m: asyncio.run(drained(m.stream([1, 2]))) == [1, 2],
            "book is a list",
        ),
        ("Count.add", lambda m: m.Count().add(2), lambda m: m.Count().add(2) == 2, "self is a Count"),
    ],
)
def test_each_kind_that_cannot_be_answered_for_raises_once_and_is_quarantined(
    shadowed: Shadowed, name: str, first: Any, again: Any, why: str
) -> None:
    shadowed.write(LEGACY, CANDIDATE)
    shadowed.install(name, mode="rust", more="sample = 1e-15")
    unit = f"{shadowed.legacy_name}:{name}"
    with pytest.raises(OverflowError, match="bug"):
        first(shadowed.legacy)
    assert again(shadowed.legacy), "legacy serves the very next call"
    until(lambda: unit in modes.read(shadowed.folder / "evidence").quarantined, "nothing was put into quarantine")
    until(lambda: shadowed.mode(name) == "legacy", "the unit stays where it stood")
    assert shadowed.counts(name)["unanswered"] == 1
    cause = modes.read(shadowed.folder / "evidence").quarantined[unit]["cause"]
    assert cause.startswith("the candidate raised and legacy could not answer (1 in rust): OverflowError: bug (")
    assert why in cause


def test_what_cannot_have_been_changed_is_answered_for_the_object_of_a_method_too(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, CANDIDATE)
    shadowed.install("price", "Rate.of", "steps", mode="rust", more="sample = 1e-15")
    assert (shadowed.legacy.price(3), shadowed.legacy.Rate(2).of(3)) == (6, 6)
    assert list(shadowed.legacy.steps(3)) == [0, 1, 2]
    for name in ("price", "Rate.of", "steps"):
        counts = shadowed.counts(name)
        assert (counts["answered"], counts["unanswered"]) == (1, 0), name


def test_a_generator_that_was_sent_something_is_not_begun_again(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, CANDIDATE)
    shadowed.install("steps", mode="rust", more="sample = 1e-15")
    running = shadowed.legacy.steps(3)
    assert next(running) == 0
    with pytest.raises(OverflowError):
        running.send("x")
    running = shadowed.legacy.steps(3)
    assert shadowed.counts("steps")["unanswered"] == 1


def test_what_a_caller_threw_into_a_generator_accuses_nobody(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, LEGACY)
    shadowed.install("steps", mode="rust", more="sample = 1e-15")
    running = shadowed.legacy.steps(3)
    next(running)
    with pytest.raises(LookupError):
        running.throw(LookupError("the caller's"))
    counts = shadowed.counts("steps")
    assert (counts["unanswered"], counts["fallbacks"]) == (0, 0)


def test_a_program_that_ends_by_that_very_error_has_put_its_unit_into_quarantine(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, CANDIDATE)
    shadowed.install("fill", mode="rust", more="sample = 1e-15")
    with pytest.raises(OverflowError):
        shadowed.legacy.fill([1, 2])
    exuvia.migrate.uninstall()
    assert f"{shadowed.legacy_name}:fill" in modes.read(shadowed.folder / "evidence").quarantined
    config = configuration.load(shadowed.folder / "exuvia.toml")
    (state,) = reading.statuses(config, reading.read_folder(config.evidence))
    assert state.counts["unanswered"] == 1
    assert any("legacy could not answer" in note and "fallback = false" in note for note in _notes(config, state))
    assert any("book is a list, which may have been changed" in note for note in state.notes)


def _notes(config: Any, state: Any) -> list[str]:
    from exuvia.migrate.dispatch import serving

    return serving.notes(next(iter(config.units.values())), state)


def test_in_a_rehearsal_too_the_first_one_after_a_climb_counts(tmp_path: Path) -> None:
    (tmp_path / "exuvia.toml").write_text('[exuvia]\nrehearsal = true\nendpoints = ["http://127.0.0.1:9"]\n')
    fell: list[str] = []
    guard = Guard(configuration.load(tmp_path / "exuvia.toml"), lambda *_, **__: None)
    guard.quarantine = lambda unit, cause: fell.append(f"{unit}: {cause}")  # type: ignore[method-assign]
    guard.look({"a:b": {"mode": "shadow", "differed": 0, "unanswered": 0}})
    guard.fell["a:b"] = "KeyError: 1 (x is a list, which may have been changed)"
    guard.look({"a:b": {"mode": "rust", "differed": 2, "unanswered": 1}})
    assert fell == [
        "a:b: the candidate raised and legacy could not answer (1 in rust): "
        "KeyError: 1 (x is a list, which may have been changed)"
    ]
    assert guard.fell == {}
