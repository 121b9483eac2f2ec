"""Twins in the worker: one for each live object, the same calls in order, back in step when one was missed."""

from __future__ import annotations

import asyncio
import copy
import gc
import os
import pickle
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
from books import BAD, BOOK, TAKES, compared_in_order
from exuvia.migrate import runtime
from exuvia.migrate.shadow.resync import can_resync, importer
from shadowing import Shadowed, shadowed, until

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["shadowed"]

STATE = (
    BOOK
    + """
    def export_state(self):
        return self.seen, list(self.rows)
"""
)


def test_every_object_has_a_twin_that_sees_the_same_calls_in_order(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book", more='attributes = ["rows"]')
    books = [shadowed.legacy.Book(n) for n in range(5)]
    compared_in_order(shadowed, books)


TURNS = """
class Book:
    def __init__(self):
        self.n, self.held = 0, {}
    async def __aenter__(self):
        self.n += 10
        return self
    async def __aexit__(self, *why):
        self.n += 100
    def __aiter__(self):
        return self
    async def __anext__(self):
        self.n += 1
        if self.n % 4 == 0:
            raise StopAsyncIteration
        return self.n
    def __iter__(self):
        self.n = 0
        return self
    def __next__(self):
        self.n += 1
        if self.n > 3:
            raise StopIteration
        return self.n
    def __iadd__(self, x):
        self.n += x
        return self
    def __ilshift__(self, x):
        self.n <<= x
        return self
    @property
    def last(self):
        return self.held.get("last")
    @last.setter
    def last(self, value):
        self.held["last"] = value
    @last.deleter
    def last(self):
        self.n += len(self.held)
        del self.held["last"]
    def state(self):
        return self.n, sorted(self.held)
"""


@pytest.mark.parametrize("mode", ["shadow", "rust"])
def test_operators_iteration_deletes_and_async_blocks_reach_the_twin(shadowed: Shadowed, mode: str) -> None:
    shadowed.write(TURNS, TURNS)
    shadowed.install("Book", mode=mode)

    async def stream(book: Any) -> list[int]:
        async with book as same:
            assert same is book
            return [item async for item in book]

    book = shadowed.legacy.Book()
    assert asyncio.run(stream(book)) == [11]
    assert book.state() == (112, [])
    assert list(book) == [1, 2, 3]
    before = book
    book += 5
    book <<= 2
    assert book is before
    book.last = 3
    del book.last
    assert book.state() == (37, [])
    counts = shadowed.counts("Book")
    assert (counts["differed"], counts["errors"], counts["skipped"]) == (0, 0, 0), counts
    assert counts["compared"] == 17, counts


def test_a_delete_reaches_the_twin_in_the_callers_thread_too(shadowed: Shadowed) -> None:
    source = TURNS[: TURNS.index("    async def")] + TURNS[TURNS.index("    def __iadd__") :]
    shadowed.write(source, source)
    shadowed.install("Book", more='isolation = "thread"')
    book = shadowed.legacy.Book()
    book.last = 3
    book += 2
    del book.last
    assert book.state() == (3, [])
    counts = shadowed.counts("Book")
    assert (counts["differed"], counts["compared"]) == (0, 5), counts


MOODY = """
class Book:
    def __init__(self):
        self.rows = []
    def add(self, row):
        self.rows.append(row)
        return len(self.rows)
    @property
    def spread(self):
        return max(self.rows) / (len(self.rows) - 1)
    @property
    def leaving(self):
        raise SystemExit(3)
    def __getattr__(self, name):
        raise ConnectionError(name)
"""


@pytest.mark.parametrize("mode", ["shadow", "rust"])
@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_an_attribute_that_cannot_be_read_is_compared_by_what_it_raises_and_fails_no_call(
    shadowed: Shadowed, mode: str, isolation: str
) -> None:
    candidate = MOODY.replace("        self.rows.append(row)", "        self.rows.append(row if row < 3 else 3)")
    shadowed.write(MOODY, MOODY if mode == "rust" else candidate)
    more = f'attributes = ["spread", "leaving", "remote"]\nisolation = "{isolation}"'
    shadowed.install("Book", mode=mode, more=more)
    book = shadowed.legacy.Book()
    assert [book.add(row) for row in (1, 2, 4)] == [1, 2, 3]
    if isolation == "thread" and mode == "rust":
        return
    counts = shadowed.counts("Book")
    assert (counts["errors"], counts["skipped"]) == (0, 0), counts["reasons"]
    assert counts["differed"] == (1 if mode == "shadow" else 0), counts["places"]


def test_the_first_difference_counts_and_the_rest_are_cascade(shadowed: Shadowed) -> None:
    wrong = BOOK.replace("self.seen += 1", "self.seen += 2 if row == 'bad' else 1")
    shadowed.write(BOOK, wrong)
    shadowed.install("Book")
    one, other = shadowed.legacy.Book(), shadowed.legacy.Book()
    for row in ("a", "bad", "b", "c"):
        one.add(row)
    other.add("a")
    counts = shadowed.counts("Book")
    assert (counts["differed"], counts["cascades"], counts["compared"]) == (1, 2, 7)
    assert counts["places"] == [["add: $", "value", 1]]


def test_after_a_difference_the_twin_is_made_anew_from_legacys_state(shadowed: Shadowed) -> None:
    shadowed.write(STATE, TAKES)
    shadowed.install("Book")
    book = shadowed.legacy.Book()
    for row in ("a", "bad"):
        book.add(row)
        shadowed.settle()
    for row in ("b", "c", "bad"):
        book.add(row)
        shadowed.settle()
    counts = shadowed.counts("Book")
    # Twice on its own account: nothing in between differed, so nothing was a cascade.
    assert (counts["differed"], counts["cascades"], counts["skipped"]) == (2, 0, 0), counts


def test_a_twin_that_missed_a_call_gets_back_into_step_or_is_given_up(shadowed: Shadowed) -> None:
    for state, compared, skipped in ((True, 4, 1), (False, 2, 3)):
        if not state:
            import exuvia.migrate

            exuvia.migrate.uninstall()
            shadowed.legacy_name += "b"
            shadowed.candidate_name += "b"
        shadowed.write(STATE if state else BOOK, TAKES if state else BAD)
        shadowed.install("Book")
        book = shadowed.legacy.Book()
        book.add("a")
        book.wait(threading.Lock())  # cannot be pickled: the twin never sees it
        book.add("b")
        book.add("c")
        counts = shadowed.counts("Book")
        assert (counts["compared"], counts["differed"], counts["skipped"]) == (compared, 0, skipped), counts


def test_twins_that_died_with_the_worker_are_made_anew(shadowed: Shadowed) -> None:
    shadowed.write(STATE, TAKES)
    shadowed.install("Book")
    book = shadowed.legacy.Book()
    book.add("a")
    shadowed.settle()
    os.kill(shadowed.courier.stats()["worker"], signal.SIGKILL)
    until(lambda: shadowed.courier.stats()["worker"] is None, "the death was not seen")
    for row in ("b", "c"):
        assert book.add(row) == len(book)
    counts = shadowed.counts("Book")
    assert (counts["compared"], counts["differed"], counts["skipped"]) == (6, 0, 0), counts


def units(shadowed: Shadowed) -> dict[str, Any]:
    current: Any = runtime._current
    return {name.partition(":")[2]: unit for name, unit in current.units.items()}


def test_two_threads_in_one_object_are_not_compared_and_said(shadowed: Shadowed) -> None:
    slow = BOOK.replace("return None\n", "return gate and __import__('time').sleep(gate)\n")
    shadowed.write(slow, BOOK)
    shadowed.install("Book")
    book = shadowed.legacy.Book()
    thread = threading.Thread(target=book.wait, args=(0.3,))
    thread.start()
    held = units(shadowed)["Book"].maker.held
    until(lambda: bool(held.of(book).owner), "no call was running")
    assert book.add("a") == 1
    thread.join()
    counts = shadowed.counts("Book")
    assert any("two threads" in reason for reason in counts["reasons"])
    assert counts["differed"] == 0


def test_a_collected_object_leaves_nothing_behind(shadowed: Shadowed) -> None:
    counting = (
        "alive = 0\n"
        + BOOK.replace("        self.seen = start\n", "        global alive; alive += 1\n        self.seen = start\n")
        + "    def __del__(self):\n        global alive; alive -= 1\n"
    )
    legacy = BOOK + "def living():\n    return 1\n"
    shadowed.write(legacy, counting + "def living():\n    return alive\n")
    shadowed.install("Book", "living")
    kept = shadowed.legacy.Book()
    for _ in range(500):
        shadowed.legacy.Book().add(1)
    gc.collect()
    shadowed.settle()
    shadowed.legacy.living()
    counts = shadowed.counts("living")
    assert (counts["compared"], counts["differed"]) == (1, 0), counts
    (lane,) = [lane for lane in shadowed.lanes if lane.side.is_class and not lane.side.reverse]
    assert len(lane.twins) == 1
    assert kept.add(1) == 1


def test_pickles_and_copies_carry_no_mark(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book")
    book = shadowed.legacy.Book(2)
    book.add("a")
    for other in (copy.copy(book), copy.deepcopy(book), pickle.loads(pickle.dumps(book))):
        assert (other.seen, other.rows) == (3, ["a"])
        assert other.add("b") == 4
    shadowed.settle()
    assert shadowed.counts("Book")["differed"] == 0


def test_a_share_of_the_objects_is_followed_without_chance(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book", more="sample = 0.25")
    for _ in range(40):
        shadowed.legacy.Book().add(1)
    assert 16 <= shadowed.counts("Book")["compared"] <= 24


def test_the_ways_into_a_candidate_from_a_state() -> None:
    class Fills:
        def import_state(self, state: int) -> None:
            self.n = state

    class Makes:
        n = 0

        @classmethod
        def import_state(cls, state: int) -> Makes:
            made = cls()
            made.n = state
            return made

    class Takes:
        def __init__(self, state: int) -> None:
            self.n = state

    class Neither:
        def __init__(self, start: int = 0) -> None:
            self.n = start

    class Legacy:
        def export_state(self) -> int:
            return 7

    for candidate in (Fills, Makes, Takes):
        make = importer(candidate)
        assert make is not None
        assert make(7).n == 7
        assert can_resync(Legacy, candidate)
    assert importer(Neither) is None
    assert not can_resync(Legacy, Neither)
    assert not can_resync(Neither, Fills)
    assert importer(dict) is None


def test_a_state_that_cannot_be_exported_or_imported_gives_the_twin_up(shadowed: Shadowed) -> None:
    legacy = BOOK + "    def export_state(self):\n        raise OSError('no state')\n"
    shadowed.write(legacy, TAKES)
    shadowed.install("Book")
    book = shadowed.legacy.Book()
    book.wait(threading.Lock())
    assert (book.add("a"), book.add("b")) == (1, 2)
    counts = shadowed.counts("Book")
    assert (counts["compared"], counts["skipped"]) == (1, 3)
    assert any("export_state failed: OSError: no state" in reason for reason in counts["reasons"])


@pytest.fixture(autouse=True)
def no_leftovers() -> Iterator[Any]:
    yield
    assert not [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and thread.name.startswith(("exuvia", "Dummy"))
    ]
