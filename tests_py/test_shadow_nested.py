"""What comes in the middle of exuvia's own work: a handler that raises, or one that calls units, at any place of it."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from exuvia.migrate import runtime
from exuvia.migrate.dispatch import raised
from exuvia.migrate.evidence import tally
from exuvia.migrate.evidence.redact import Redactor
from exuvia.migrate.shadow import beside, containment, courier, following, lane, sampling, twin
from exuvia.migrate.shadow import unseen_importlib_bootstrap as unseen
from shadowing import Shadowed, shadowed, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["shadowed"]

SOURCE = """
class Book:
    def __init__(self, start=0):
        self.count = start
        self.rows = []
    def add(self, n):
        self.count += n
        return self.count
    def push(self, n):
        self.rows.append(n)
        return self.rows
    def fail(self, n):
        self.count += n
        raise ValueError("n")
    def hold(self, n, then):
        self.count += n
        HOOK()
        self.count += n
        return self.count
    def each(self, n):
        for at in range(n):
            self.count += 1
            yield self.count
    async def wait(self, n):
        self.count += n
        return self.count
    STATE
def total(rows):
    return sum(rows)
def refuse(n):
    raise ValueError("n")
def HOOK(): pass
"""
STATE = """
    def export_state(self):
        return self.count, list(self.rows)
    @classmethod
    def import_state(cls, state):
        book = cls(state[0])
        book.rows = list(state[1])
        return book
"""


class Stop(Exception): ...  # noqa: N818 - a watchdog's, as programs name it


class At:
    """Lets a handler of a signal run at one place of exuvia's work, once, as soon as it is armed."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch, self.fired = patch, 0
        self.armed: tuple[str, bool] | None = None
        self.handler: Callable[[], object] = self.stop
        self.held = signal.signal(signal.SIGALRM, self.handle)

    def stop(self) -> None:
        raise Stop

    def handle(self, *_: Any) -> None:
        self.fired += 1
        self.handler()

    def places(self, places: list[tuple[Any, str]]) -> list[tuple[str, bool]]:
        """Patch what stands at these places; return what each is armed by, before it and after it."""
        for where, name in places:
            self._place(where, name)
        return [(name, after) for _, name in places for after in (False, True)]

    def _place(self, where: Any, name: str) -> None:
        own = getattr(where, name)

        def patched(*args: Any, **kwargs: Any) -> Any:
            self.reach(name, after=False)
            found = own(*args, **kwargs)
            self.reach(name, after=True)
            return found

        self.patch.setattr(where, name, patched)

    def reach(self, name: str, *, after: bool) -> None:
        if self.armed == (name, after) and threading.current_thread() is threading.main_thread():
            self.armed = None
            signal.raise_signal(signal.SIGALRM)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[At]:
    made = At(monkeypatch)
    yield made
    signal.signal(signal.SIGALRM, made.held)


def source(state: str = "", *, steps: bool = True) -> str:
    found = SOURCE.replace("    STATE", state)
    return found if steps else found.replace(found[found.index("    def each") : found.index("def total")], "")


PLACES = [
    (following, "packed"), (following, "changed"), (following, "context_key"), (following, "packed_raised"),
    (following, "perf_counter_ns"), (following, "spent_on"), (lane.Lane, "put"), (courier.Courier, "ring"),
    (following.Following, "_came"), (following.Following, "_before"), (following.Following, "_put"),
]  # fmt: skip
MODES = pytest.mark.parametrize(
    ("mode", "more"), [("shadow", ""), ("rust", "sample = 0.999999999999")], ids=["shadow", "rust"]
)


@MODES
@pytest.mark.parametrize("state", ["", STATE], ids=["no state", "state"])
def test_what_a_handler_raises_in_the_middle_of_observing_an_object_reaches_the_program_and_is_no_difference(
    shadowed: Shadowed, at: At, mode: str, more: str, state: str
) -> None:
    shadowed.write(source(state), source(state))
    places = at.places(PLACES)
    shadowed.install("Book", mode=mode, more=more)
    stops: set[tuple[str, bool]] = set()
    for place in places:
        for method in ("add", "fail"):
            book = shadowed.legacy.Book()
            for step in range(4):
                before, fired = book.count, at.fired
                at.armed = place if step == 2 else None
                try:
                    assert getattr(book, method)(5) == before + 5
                except ValueError:
                    assert (method, fired) == ("fail", at.fired)
                except Stop:
                    stops.add(place)
                    assert at.fired == fired + 1
                else:
                    assert at.fired == fired, place
                at.armed = None
            assert book.add(1) == book.count
        counts = shadowed.counts("Book")
        assert (counts["differed"], counts["cascades"], counts["errors"]) == (0, 0, 0), (place, counts["places"])
        assert not any("two threads" in text for text in counts["reasons"]), (place, counts["reasons"])
    assert not [place for place in places if place not in stops and place[0] != "ring"]
    other = shadowed.legacy.Book()
    assert [other.add(1) for _ in range(3)] == [1, 2, 3]
    later = shadowed.counts("Book")
    assert later["compared"] == counts["compared"] + 4, later["reasons"]
    assert shadowed.mode("Book") == mode


@MODES
def test_a_handler_that_calls_the_object_in_the_middle_of_observing_it_makes_no_difference(
    shadowed: Shadowed, at: At, mode: str, more: str
) -> None:
    shadowed.write(source(STATE), source(STATE))
    places = at.places([place for place in PLACES if place[1] not in ("packed_raised", "ring")])
    shadowed.install("Book", "total", mode=mode, more=more)
    at.handler = lambda: (book.push(7), shadowed.legacy.total([1, 2]), shadowed.legacy.Book().add(1))
    for place in places:
        book, fired = shadowed.legacy.Book(), at.fired
        for step in range(6):
            at.armed = place if step in (2, 4) else None
            assert len(book.push(step)) >= step + 1
        at.armed = None
        assert (at.fired, len(book.rows)) == (fired + 2, 8)
        counts = shadowed.counts("Book")
        assert (counts["differed"], counts["cascades"], counts["errors"]) == (0, 0, 0), (place, counts["places"])
        assert book.push(1)[-1] == 1
        after = shadowed.counts("Book")
        assert (after["compared"], after["differed"]) == (counts["compared"] + 1, 0), (place, after["reasons"])
    assert tally.NESTED in after["reasons"]
    assert shadowed.mode("Book") == mode


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_handler_that_calls_the_object_while_its_method_runs_is_no_part_of_that_call(
    shadowed: Shadowed, at: At, isolation: str
) -> None:
    text = source(steps=isolation == "process")
    shadowed.write(text, text)
    shadowed.install("Book", more=f'isolation = "{isolation}"')
    book = shadowed.legacy.Book()
    at.handler = lambda: book.add(100)
    book.add(1)
    shadowed.legacy.HOOK = lambda: signal.raise_signal(signal.SIGALRM)
    assert book.hold(1, None) == 103
    shadowed.legacy.HOOK = lambda: None
    assert book.add(1) == 104
    counts = shadowed.counts("Book")
    assert (counts["differed"], counts["compared"]) == (0, 2), counts["places"]
    assert tally.NESTED in counts["reasons"]
    assert "hold: " + following.BETWEEN in counts["reasons"]
    other = shadowed.legacy.Book()
    assert other.add(1) == 1
    assert shadowed.counts("Book")["compared"] == 4


def test_calls_of_an_object_on_itself_are_still_part_of_its_call(shadowed: Shadowed) -> None:
    text = "class Book:\n    def outer(self, n): return self.inner(n) + 1\n    def inner(self, n): return n\n"
    shadowed.write(text, text)
    shadowed.install("Book")
    book = shadowed.legacy.Book()
    assert [book.outer(n) for n in range(5)] == [1, 2, 3, 4, 5]
    counts = shadowed.counts("Book")
    assert (counts["compared"], counts["skipped"], counts["differed"]) == (6, 0, 0), counts["reasons"]


FUNCTION_PLACES = [
    (sampling, "packed"), (sampling, "changed"), (sampling, "context_key"), (unseen, "perf_counter_ns"),
    (unseen, "spent_on"), (lane.Lane, "put"), (courier.Courier, "ring"),
]  # fmt: skip


@MODES
@pytest.mark.parametrize("raises", [True, False], ids=["raises", "calls"])
def test_a_handler_in_the_middle_of_observing_a_function_makes_no_negative_time_and_ends_no_comparing(
    shadowed: Shadowed, at: At, mode: str, more: str, raises: bool
) -> None:
    shadowed.write(source(), source())
    places = at.places(FUNCTION_PLACES)
    shadowed.install("total", "Book", mode=mode, more=more)
    if not raises:
        at.handler = lambda: [shadowed.legacy.total([at.fired]) for _ in range(50)]
    calls = 0
    for place in places:
        fired, stops = at.fired, 0
        for step in range(10):
            at.armed = place if step % 3 == 1 else None
            try:
                calls += 1
                assert shadowed.legacy.total([step, 1]) == step + 1
            except Stop:
                stops += 1
        at.armed = None
        assert place[0] == "ring" or at.fired == fired + 3
        assert stops == (at.fired - fired if raises else 0)
        counts = shadowed.counts("total")
        assert (counts["differed"], counts["errors"]) == (0, 0), place
        assert not shadowed.courier.broken
        assert shadowed.legacy.total([1]) == 1
        calls += 1
        assert shadowed.counts("total")["compared"] == counts["compared"] + 1
    if not raises:
        counts = shadowed.counts("total")
        assert counts["compared"] + counts["skipped"] + counts["unsampled"] == calls + 50 * at.fired, counts


@pytest.mark.parametrize("raises", [True, False], ids=["raises", "calls"])
def test_a_handler_in_the_middle_of_counting_in_the_callers_thread_waits_for_no_lock_of_its_own(
    shadowed: Shadowed, at: At, raises: bool
) -> None:
    shadowed.write(source(), source())
    places = at.places([(tally.Tally, "_compared"), (raised.strata, "stratum"), (raised, "is_candidates")])
    shadowed.install("refuse", mode="rust", more='sample = 1e-15\nstrata = { n = "$args.n" }')
    if not raises:

        def handler() -> None:
            with pytest.raises(ValueError, match="n"):
                shadowed.legacy.refuse(1)

        at.handler = handler
    for place in places:
        for step in range(4):
            at.armed = place if step == 1 else None
            with pytest.raises(Stop if raises and step == 1 else ValueError):
                shadowed.legacy.refuse(step)
    assert at.fired == len(places)
    counts = shadowed.counts("refuse")
    assert (counts["differed"], counts["answered"], counts["unanswered"]) == (0, 0, 0)
    assert counts["compared"] >= 3 * len(places)
    assert shadowed.mode("refuse") == "rust"


class Interrupting:
    """A dict of counts in which a handler runs while the lock is held."""

    def __init__(self) -> None:
        self.held: dict[str, list[int]] = {}

    def get(self, key: str) -> list[int] | None:
        signal.raise_signal(signal.SIGALRM)
        return self.held.get(key)

    def setdefault(self, key: str, value: list[int]) -> list[int]:
        return self.held.setdefault(key, value)

    def items(self) -> Any:
        return self.held.items()

    def __len__(self) -> int:
        return len(self.held)


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_handler_that_calls_the_unit_while_its_counters_are_locked_does_not_hang(
    shadowed: Shadowed, at: At, isolation: str
) -> None:
    shadowed.write(source(), source())
    mode, more = ("rust", "sample = 1e-15") if isolation == "process" else ("shadow", 'isolation = "thread"')
    shadowed.install("refuse", mode=mode, more=more)
    record = next(iter(shadowed.courier.records.values()))
    record._strata = Interrupting()  # type: ignore[assignment]  # as a dict is used there
    depth = 0

    def handler() -> None:
        nonlocal depth
        depth += 1
        assert depth < 10
        with pytest.raises(ValueError, match="n"):
            shadowed.legacy.refuse(1)
        record.counters("shadow")
        depth -= 1

    at.handler = handler
    for _ in range(3):
        with pytest.raises(ValueError, match="n"):
            shadowed.legacy.refuse(2)
    assert at.fired == 3
    assert (record.nested, record.counters("shadow")["compared"]) == (3, 3)


def test_the_locks_that_callers_take_can_be_taken_again_by_the_same_thread(shadowed: Shadowed) -> None:
    shadowed.write(source(), source())
    shadowed.install("total")
    record = next(iter(shadowed.courier.records.values()))
    for lock in (record._lock, Redactor()._lock, shadowed.lanes[0]._lock):
        assert lock.acquire(blocking=False)
        assert lock.acquire(blocking=False)
        lock.release()
        lock.release()


def test_destructors_that_call_a_unit_leave_the_comparison_of_all_others_alone(shadowed: Shadowed) -> None:
    shadowed.write(source(), source())
    shadowed.install("total", "refuse")

    class Cyclic:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            shadowed.legacy.total([1, 2])

    held = gc.get_threshold()
    gc.set_threshold(20)
    try:
        for n in range(400):
            Cyclic()
            with pytest.raises(ValueError, match="n"):
                shadowed.legacy.refuse(n)
    finally:
        gc.set_threshold(*held)
    gc.collect()
    assert not shadowed.courier.broken
    one, two = shadowed.counts("refuse"), shadowed.counts("total")
    assert (one["compared"], one["differed"], one["errors"]) == (400, 0, 0), one["reasons"]
    assert (two["compared"] + two["skipped"], two["differed"], two["errors"]) == (400, 0, 0), two["reasons"]


def test_one_answer_that_cannot_be_put_on_record_is_its_own_units_and_ends_nothing(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed.write(source(), source())
    shadowed.install("total", "refuse")
    own = tally.Tally._compared
    bad = next(iter(shadowed.courier.records.values()))

    def compared(self: Any, *args: Any, **kwargs: Any) -> None:
        if self is bad and self.nested == 0:
            self.nested = 1
            raise OverflowError("can't convert negative int to unsigned")
        own(self, *args, **kwargs)

    monkeypatch.setattr(tally.Tally, "_compared", compared)
    for n in range(5):
        shadowed.legacy.total([n])
        with pytest.raises(ValueError, match="n"):
            shadowed.legacy.refuse(n)
    one, two = shadowed.counts("total"), shadowed.counts("refuse")
    assert (one["compared"], one["errors"]) == (4, 1), one
    assert (two["compared"], two["errors"]) == (5, 0), two
    assert not shadowed.courier.broken
    assert any("could not be put on record" in text for text in one["reasons"])


def test_a_unit_whose_answers_can_never_be_put_on_record_is_suspended_alone(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed.write(source(), source())
    shadowed.install("total", "Book")
    bad = shadowed.courier.records[f"{shadowed.legacy_name}:total"]
    own = tally.Tally._compared

    def compared(self: Any, *args: Any, **kwargs: Any) -> None:
        if self is bad:
            raise OverflowError("too big")
        own(self, *args, **kwargs)

    monkeypatch.setattr(tally.Tally, "_compared", compared)
    for n in range(150):
        shadowed.legacy.total([n])
        shadowed.settle()
    book = shadowed.legacy.Book()
    assert [book.add(1) for _ in range(5)] == [1, 2, 3, 4, 5]
    assert shadowed.counts("Book")["compared"] == 6
    assert "suspended after 100 answers" in shadowed.stats("total")["off"]
    assert shadowed.stats("Book")["off"] == ""


def test_times_below_zero_are_counted_as_none(shadowed: Shadowed) -> None:
    shadowed.write(source(), source())
    shadowed.install("total")
    record = next(iter(shadowed.courier.records.values()))
    record.observed_remote((), (-5, 7))
    counts = record.counters("shadow")
    assert (counts["compared"], counts["legacy_ns"], counts["candidate_ns"]) == (1, 0, 7)


TWIN_PLACES = [
    (twin, "copy_arguments"), (twin, "served"), (twin, "compare_call"), (twin, "run_contained"), (twin, "spent_on"),
    (twin.TwinMaker, "_observed"), (twin.TwinMaker, "_candidate"), (tally.Tally, "_compared"),
]  # fmt: skip


@pytest.mark.parametrize("raises", [True, False], ids=["raises", "calls"])
def test_a_handler_in_the_middle_of_observing_an_object_in_the_callers_thread_makes_no_difference(
    shadowed: Shadowed, at: At, raises: bool
) -> None:
    text = source(steps=False)
    shadowed.write(text, text)
    places = at.places(TWIN_PLACES)
    shadowed.install("Book", more='isolation = "thread"')
    if not raises:
        at.handler = lambda: book.add(100)
    for place in places:
        book, fired, stops = shadowed.legacy.Book(), at.fired, 0
        for step in range(6):
            at.armed = place if step == 3 else None
            before = book.count
            try:
                assert book.add(1) in (before + 1, before + 101)
            except Stop:
                stops += 1
        assert at.fired == fired + 1, place
        assert stops == (1 if raises else 0)
        counts = shadowed.counts("Book")
        assert (counts["differed"], counts["cascades"], counts["errors"]) == (0, 0, 0), (place, counts["places"])
        assert not any("two threads" in text for text in counts["reasons"]), (place, counts["reasons"])
    other = shadowed.legacy.Book()
    assert [other.add(1) for _ in range(3)] == [1, 2, 3]
    assert shadowed.counts("Book")["compared"] == counts["compared"] + 4


BESIDE_PLACES = [(beside, "compare_call"), (beside, "run_contained"), (unseen, "served"), (containment, "_save"),
                 (containment, "_restore"), (tally.Tally, "_compared")]  # fmt: skip


@pytest.mark.parametrize("raises", [True, False], ids=["raises", "calls"])
def test_a_handler_in_the_middle_of_observing_a_function_in_the_callers_thread_makes_no_difference(
    shadowed: Shadowed, at: At, raises: bool
) -> None:
    shadowed.write(source(), source())
    places = at.places(BESIDE_PLACES)
    shadowed.install("total", more='isolation = "thread"')
    if not raises:
        at.handler = lambda: shadowed.legacy.total([1])
    for place in places:
        fired, stops = at.fired, 0
        for step in range(6):
            at.armed = place if step in (1, 3) else None
            try:
                assert shadowed.legacy.total([step]) == step
            except Stop:
                stops += 1
        assert (at.fired, stops) == (fired + 2, 2 if raises else 0), place
    counts = shadowed.counts("total")
    assert (counts["differed"], counts["errors"]) == (0, 0), counts["places"]
    assert counts["compared"] >= 4 * len(places)


@MODES
def test_a_generator_or_async_call_that_an_alarm_broke_off_leaves_its_object_comparable(
    shadowed: Shadowed, at: At, mode: str, more: str
) -> None:
    shadowed.write(source(STATE), source(STATE))
    (_, opened) = at.places([(following.Following, "opened")])
    shadowed.install("Book", mode=mode, more=more)
    book = shadowed.legacy.Book()
    at.armed = opened
    with pytest.raises(Stop):
        list(book.each(3))
    at.armed = opened
    with pytest.raises(Stop):
        asyncio.run(book.wait(1))
    gc.collect()
    expected = book.count
    assert book.add(1) == expected + 1
    assert list(book.each(2)) == [expected + 2, expected + 3]
    assert asyncio.run(book.wait(1)) == expected + 4
    counts = shadowed.counts("Book")
    assert (counts["compared"], counts["differed"]) == (4, 0), (counts["places"], counts["reasons"])


def test_what_a_handler_raises_while_a_difference_is_written_reaches_the_program_and_the_line_is_whole(
    shadowed: Shadowed, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed.write(source(), source().replace("return sum(rows)", "return -1"))
    shadowed.install("total", more='isolation = "thread"')
    current: Any = runtime._current
    (record,) = shadowed.courier.records.values()
    store = current.segment
    record.write = store.write
    own = store._commit

    def slow(**kwargs: Any) -> None:
        time.sleep(0.3)
        own(**kwargs)

    monkeypatch.setattr(store, "_commit", slow)
    signal.setitimer(signal.ITIMER_REAL, 0.15)
    with pytest.raises(Stop):
        shadowed.legacy.total([1])
    monkeypatch.undo()
    assert (at.fired, store.trouble, store.sampling) == (1, None, True)
    until(lambda: b"mismatch" in store.path.read_bytes(), "the difference was not written")
    assert shadowed.legacy.total([2]) == 2
    assert shadowed.counts("total")["differed"] == 2
