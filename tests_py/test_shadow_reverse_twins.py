"""In rust and in a canary a share of the candidate's live objects has a legacy object beside it, in the worker."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import random
import signal
import threading
import time
from typing import Any

import exuvia.migrate
import pytest
from books import BAD, BOOK, TAKES, compared_in_order
from exuvia.migrate import runtime
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.shadow import reverse_twin
from shadowing import Shadowed, shadowed, until
from test_migrate_fork import in_child

__all__ = ["shadowed"]

MOST = "sample = 0.999999"
"""Nearly every object: a share below 1 is the share in rust too."""
WAITS = f'{MOST}\nwhen_full = "wait"'


def test_a_candidates_object_in_rust_has_a_legacy_twin_that_sees_the_same_calls_in_order(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book", mode="rust", more=f'{WAITS}\nattributes = ["rows"]')
    books = [shadowed.legacy.Book(n) for n in range(5)]
    assert {type(book).__module__ for book in books} == {shadowed.candidate_name}
    counts = compared_in_order(shadowed, books)
    assert counts["legacy_calls"] == 0


def test_the_first_object_in_rust_and_each_hundredth_after_it_are_compared_without_chance(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book", mode="rust", more='when_full = "wait"')
    before = random.getstate()
    books = [shadowed.legacy.Book(n) for n in range(250)]
    assert all(book.add("a") == n + 1 for n, book in enumerate(books))
    assert random.getstate() == before
    counts = shadowed.counts("Book")
    assert counts["objects"] == {"legacy": 0, "candidate": 250, "twinned": 3, "alive": 250}
    assert (counts["compared"], counts["differed"], counts["skipped"]) == (6, 0, 0), counts
    assert "3 of 250 rust objects have a legacy twin, and are compared" in notes(shadowed)


def test_a_class_whose_objects_agree_in_rust_passes_there(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book", mode="rust")
    book = shadowed.legacy.Book()
    assert [book.add(n) for n in range(30)] == list(range(1, 31))
    shadowed.settle()
    (state,) = exuvia.migrate.status()
    assert (state.mode, state.verdict, state.reason) == ("rust", "PASS", "31 calls compared, none differs")
    (day,) = shadowed.counts("Book")["sessions"].values()
    assert (day["compared"], day["differed"], day["missed"]) == (31, 0, 0)


def test_an_object_that_is_called_all_the_time_in_rust_is_let_go_and_the_next_one_is_followed(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reverse_twin, "CALLS", 40)
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book", mode="rust", more='when_full = "wait"')
    hot = shadowed.legacy.Book()
    assert [hot.add(n) for n in range(100)] == list(range(1, 101))
    counts = shadowed.counts("Book")
    assert (counts["compared"], counts["differed"], counts["skipped"]) == (41, 0, 0), counts
    assert counts["objects"]["let_go"] == 1
    other = shadowed.legacy.Book()
    assert [other.add(n) for n in range(10)] == list(range(1, 11))
    assert shadowed.counts("Book")["compared"] == 41 + 11
    assert any("the next new object is compared in its stead" in note for note in notes(shadowed))


def test_an_object_that_is_called_now_and_then_is_compared_as_long_as_it_lives(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reverse_twin, "CALLS", 10)
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(reverse_twin, "monotonic", lambda: float(next(clock)))
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book", mode="rust", more='when_full = "wait"')
    book = shadowed.legacy.Book()
    assert [book.add(n) for n in range(100)] == list(range(1, 101))
    assert shadowed.counts("Book")["compared"] == 101


def test_a_forked_child_follows_the_first_object_of_its_own(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book", mode="rust")
    kept = shadowed.legacy.Book()
    assert kept.add("a") == 1
    shadowed.settle()

    def work() -> None:
        own = shadowed.legacy.Book(5)
        assert (own.add("a"), kept.add("b")) == (6, 2)
        counts = shadowed.counts("Book")
        assert (counts["compared"], counts["differed"], counts["objects"]["twinned"]) == (2, 0, 1), counts

    assert in_child(work) == 0
    assert shadowed.counts("Book")["compared"] == 2


def test_the_first_difference_of_an_object_counts_and_names_the_sides_as_they_are(shadowed: Shadowed) -> None:
    wrong = BOOK.replace("self.seen += 1", "self.seen += 2 if row == 'bad' else 1")
    shadowed.write(BOOK, wrong)
    shadowed.install("Book", mode="rust", more=f'{WAITS}\nattributes = ["seen"]')
    one, other = shadowed.legacy.Book(), shadowed.legacy.Book()
    assert [one.add(row) for row in ("a", "bad", "b", "c")] == [1, 3, 4, 5]
    other.add("a")
    counts = shadowed.counts("Book")
    assert (counts["differed"], counts["cascades"], counts["compared"]) == (1, 2, 7), counts
    lines = {line["path"]: (line["legacy"], line["candidate"]) for line in shadowed.kept("mismatch")}
    assert lines == {"add: $": ("2", "3"), "add: $self.seen": ("2", "3")}


def test_a_difference_of_an_object_in_rust_brings_its_class_back_by_itself(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BAD)
    shadowed.install("Book", mode="rust")
    book = shadowed.legacy.Book()
    assert book.add("a") == 1
    time.sleep(2.2)
    assert shadowed.mode("Book") == "rust"
    assert book.add("bad") == -1
    until(lambda: shadowed.mode("Book") == "legacy", "a difference of an object in rust was not followed")
    said = modes.read(shadowed.folder / "evidence")
    assert f"{shadowed.legacy_name}:Book" in said.quarantined
    assert type(shadowed.legacy.Book()).__module__ == shadowed.legacy_name


def test_in_a_canary_the_objects_of_both_sides_are_compared(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book", mode="canary", more='key = "$args.start"\nshare = 0.5\nwhen_full = "wait"')
    books = [shadowed.legacy.Book(n) for n in range(60)]
    sides = [isinstance(book, vars(shadowed.legacy)["Book"].__mro__[1]) for book in books]
    for n, book in enumerate(books):
        assert (book.add("a"), book.last, len(book)) == (n + 1, "a", n + 1)
    counts = shadowed.counts("Book")
    assert (counts["compared"], counts["differed"], counts["skipped"], counts["errors"]) == (240, 0, 0, 0), counts
    assert 10 < sides.count(True) < 50
    assert (counts["objects"]["legacy"], counts["objects"]["twinned"]) == (sides.count(True), sides.count(False))
    shared = {lane.side.reverse: lane.answered for lane in shadowed.lanes}
    assert shared == {False: sides.count(True) * 4, True: sides.count(False) * 4}


@pytest.mark.parametrize("share", [1e-9, 1.0])
def test_a_difference_in_a_canary_is_seen_whichever_side_serves_the_object(shadowed: Shadowed, share: float) -> None:
    shadowed.write(BOOK, BAD)
    shadowed.install("Book", mode="canary", more=f'key = "$args.start"\nshare = {share}\nwhen_full = "wait"')
    assert shadowed.legacy.Book(0).add("bad") == (-1 if share == 1.0 else 1)
    assert shadowed.counts("Book")["differed"] == 1
    (line,) = shadowed.kept("mismatch")
    assert (line["legacy"], line["candidate"]) == ("1", "-1")


def test_after_a_difference_the_legacy_twin_is_made_anew_from_the_candidates_state(shadowed: Shadowed) -> None:
    shadowed.write(TAKES.replace("return -1 if row == 'bad' else self.total()", "return self.total()"), TAKES)
    shadowed.install("Book", mode="rust", more=WAITS)
    book = shadowed.legacy.Book()
    for row in ("a", "bad", "b", "c", "bad"):
        book.add(row)
        shadowed.settle()
    counts = shadowed.counts("Book")
    assert (counts["differed"], counts["cascades"], counts["skipped"]) == (2, 0, 0), counts
    os.kill(shadowed.courier.stats()["worker"], signal.SIGKILL)
    until(lambda: shadowed.courier.stats()["worker"] is None, "the death was not seen")
    assert book.add("d") == 6
    counts = shadowed.counts("Book")
    assert (counts["differed"], counts["skipped"], counts["compared"]) == (2, 0, 7), counts


def test_a_legacy_that_dies_or_hangs_beside_an_object_accuses_no_candidate(shadowed: Shadowed) -> None:
    dies = BOOK.replace("        self.rows.append(row)\n", "        __import__('os')._exit(3)\n")
    shadowed.write(dies, BOOK)
    shadowed.install("Book", mode="rust", more=WAITS)
    for _ in range(3):
        assert shadowed.legacy.Book().add("a") == 1
        shadowed.settle()
    counts = shadowed.counts("Book")
    assert (counts["differed"], counts["panics"], counts["timeouts"], counts["skipped"]) == (0, 0, 0, 3), counts
    off = {lane.side.reverse: lane.off for lane in shadowed.lanes}
    assert off[True].startswith("legacy cannot run in the worker, three times")
    assert not off[False]
    time.sleep(1.2)
    assert shadowed.mode("Book") == "rust"


def test_two_threads_in_one_of_the_candidates_objects_are_not_compared_and_said(shadowed: Shadowed) -> None:
    slow = BOOK.replace("return None\n", "return gate and __import__('time').sleep(gate)\n")
    shadowed.write(BOOK, slow)
    shadowed.install("Book", mode="rust")
    book = shadowed.legacy.Book()
    thread = threading.Thread(target=book.wait, args=(0.3,))
    thread.start()
    time.sleep(0.1)
    assert book.add("a") == 1
    thread.join()
    counts = shadowed.counts("Book")
    assert any("two threads" in reason for reason in counts["reasons"]), counts
    assert counts["differed"] == 0


def test_a_compared_object_of_the_candidate_carries_nothing_and_leaves_nothing_behind(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book", mode="rust", more=WAITS)
    cls = shadowed.legacy.Book
    book = cls(2)
    book.add("a")
    assert (type(book) is cls, vars(book)) == (True, {"seen": 3, "rows": ["a"]})
    for other in (copy.copy(book), copy.deepcopy(book), pickle.loads(pickle.dumps(book))):
        assert (other.seen, other.rows, other.add("b")) == (3, ["a"] if other.rows == ["a"] else other.rows, 4)
    for _ in range(300):
        cls().add(1)
    gc.collect()
    shadowed.settle()
    counts = shadowed.counts("Book")
    assert (counts["compared"], counts["differed"], counts["skipped"]) == (602, 0, 0), counts
    (lane,) = [lane for lane in shadowed.lanes if lane.side.reverse]
    assert len(lane.twins) == 1
    assert len(unit(shadowed).reverse._marks) == 1


def test_after_a_rollback_the_candidates_class_is_as_it_was_and_its_objects_go_on_alone(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book", mode="legacy")
    candidate = unit(shadowed).candidate
    before = dict(vars(candidate))
    exuvia.migrate.set_mode(f"{shadowed.legacy_name}:Book", "rust")
    book = shadowed.legacy.Book()
    assert book.add("a") == 1
    exuvia.migrate.set_mode(f"{shadowed.legacy_name}:Book", "legacy")
    assert (book.add("b"), book.last) == (2, "b")
    assert shadowed.counts("Book")["compared"] == 2
    del book
    gc.collect()
    unit(shadowed).settle()
    assert dict(vars(candidate)) == before


@pytest.mark.parametrize("mode", ["shadow", "rust"])
def test_an_object_that_lived_through_a_rollback_is_not_held_against_a_twin_that_missed_calls(
    shadowed: Shadowed, mode: str
) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book", mode=mode)
    name = f"{shadowed.legacy_name}:Book"
    book = shadowed.legacy.Book()
    assert book.add("a") == 1
    exuvia.migrate.set_mode(name, "legacy")
    assert book.add("b") == 2
    exuvia.migrate.set_mode(name, mode)
    assert (book.add("c"), book.total()) == (3, 3)
    assert shadowed.legacy.Book(5).add("a") == 6
    counts = shadowed.counts("Book")
    assert (counts["differed"], counts["skipped"]) == (0, 0), counts
    # The old object's two calls; of the new one's only where it is chosen.
    assert counts["compared"] == (4 if mode == "shadow" else 2)


def test_a_twin_that_missed_calls_while_its_class_was_back_is_made_anew_where_it_can_be(shadowed: Shadowed) -> None:
    shadowed.write(TAKES, TAKES)
    shadowed.install("Book", mode="rust")
    name = f"{shadowed.legacy_name}:Book"
    book = shadowed.legacy.Book()
    exuvia.migrate.set_mode(name, "legacy")
    assert book.add("a") == 1
    exuvia.migrate.set_mode(name, "rust")
    assert book.add("b") == 2
    counts = shadowed.counts("Book")
    assert (counts["compared"], counts["differed"], counts["skipped"]) == (2, 0, 0), counts


COMPILED = """
from exuvia.bars import QuoteBarBuilder as Inner
class Bars:
    def __init__(self, every, late="into_current", record=None, *, offset=0):
        self.inner = Inner(every, late, record, offset=offset)
    def push(self, uic, ts, bid, ask):
        return self.inner.push(uic, ts, bid + BIAS, ask)
    def flush(self):
        return self.inner.flush()
    @property
    def late(self):
        return self.inner.late
"""


@pytest.mark.parametrize("bias", [0.0, 0.5])
def test_objects_of_a_compiled_class_are_compared_in_rust_call_by_call(shadowed: Shadowed, bias: float) -> None:
    legacy = COMPILED.replace("BIAS", str(bias))
    shadowed.write(legacy, "from exuvia.bars import QuoteBarBuilder as Bars\n")
    rules = 'compare = { "$" = "record", "$[*]" = "record" }\n'
    shadowed.install("Bars", mode="rust", more=rules + WAITS)
    bars = shadowed.legacy.Bars("1s")
    for n in range(20):
        bars.push(1, n * 300_000_000, 1.0 + n, 2.0 + n)
    assert bars.late == 0
    assert len(bars.flush()) == 1
    counts = shadowed.counts("Bars")
    assert (counts["compared"], counts["errors"], counts["skipped"]) == (23, 0, 0), counts
    assert bool(counts["differed"]) == bool(bias)


def test_a_class_without_weak_references_is_not_compared_in_rust_and_says_what_would_help(shadowed: Shadowed) -> None:
    slots = "class Book:\n    __slots__ = ('n',)\n    def __init__(self):\n        self.n = 0\n"
    slots += "    def add(self):\n        self.n += 1\n        return self.n\n"
    shadowed.write(slots, slots)
    shadowed.install("Book", mode="rust")
    assert shadowed.legacy.Book().add() == 1
    assert shadowed.counts("Book")["compared"] == 0
    assert any("write #[pyclass(weakref)]" in note for note in notes(shadowed))


def test_in_the_callers_thread_no_candidates_object_is_compared_and_status_says_so(shadowed: Shadowed) -> None:
    shadowed.write(BOOK, BOOK)
    shadowed.install("Book", mode="rust", more='isolation = "thread"')
    assert shadowed.legacy.Book().add("a") == 1
    assert "none of 1 rust objects is compared in rust: that needs isolation = 'process'" in notes(shadowed)


def unit(shadowed: Shadowed) -> Any:
    current: Any = runtime._current
    return current.units[f"{shadowed.legacy_name}:Book"]


def notes(shadowed: Shadowed) -> list[str]:
    (state,) = exuvia.migrate.status()
    found: list[str] = state.notes
    return found
