"""The seam to dispatch: observers of both directions, in the worker and in the caller's thread, and the courier."""

from __future__ import annotations

import base64
import collections
import functools
import importlib
import io
import pickle
import random
import threading
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
from exuvia.errors import MigrateError
from exuvia.migrate import Switch, runtime
from exuvia.migrate.config import UnitConfig
from exuvia.migrate.evidence import reading
from exuvia.migrate.evidence.record import Record
from exuvia.migrate.shadow.observe import observer, positional
from shadowing import Shadowed, alive, shadowed, until

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["shadowed"]

reverse_observer = functools.partial(observer, reverse=True)

PRICE = """
def price(n, side="Buy"):
    if n < 0:
        raise ValueError(n)
    return n * 2
def walk(v, n):
    for i in range(n):
        v.append(i)
        got = yield i
        v.append(got)
    return len(v)
async def fetch(n):
    return n * 2
async def stream(n):
    for i in range(n):
        yield i
"""
WRONG = PRICE.replace("n * 2", "n * 2 + (n == 3)").replace("yield i\n        v", "yield i + (i == 2)\n        v")


def sides(shadowed: Shadowed, name: str) -> tuple[Any, Any]:
    return getattr(shadowed.legacy, name), getattr(importlib.import_module(shadowed.candidate_name), name)


def make(
    shadowed: Shadowed, name: str, factory: Callable[..., Any], *, thread: bool = False, **more: Any
) -> tuple[Any, Record]:
    """An observer as dispatch makes it, and its record."""
    current: Any = runtime._current
    unit = UnitConfig(f"{shadowed.legacy_name}:{name}", f"{shadowed.candidate_name}:{name}", **more)
    record = current.courier.records[unit.name] = Record(unit.name, shadowed.lines.append)
    legacy, candidate = sides(shadowed, name)
    record.switch = Switch(legacy, candidate, legacy)
    return factory(legacy, candidate, unit, record, None if thread else current.courier), record


@pytest.mark.parametrize("thread", [False, True])
def test_in_reverse_the_candidate_serves_and_legacy_is_compared_with_it(shadowed: Shadowed, thread: bool) -> None:
    shadowed.write(PRICE, WRONG)
    shadowed.install()
    serve, record = make(shadowed, "price", reverse_observer, thread=thread)
    assert [serve(n) for n in range(5)] == [0, 2, 4, 7, 8]
    with pytest.raises(ValueError, match="-1"):
        serve(-1)
    shadowed.settle()
    found = record.counters("canary")
    assert (found["compared"], found["differed"], found["skipped"]) == (6, 1, 0)
    (line,) = shadowed.kept("mismatch")
    assert (line["legacy"], line["candidate"], line["path"]) == ("6", "7", "$")


@pytest.mark.parametrize("thread", [False, True])
@pytest.mark.parametrize("factory", [observer, reverse_observer])
def test_generators_are_replayed_in_both_directions(
    shadowed: Shadowed, factory: Callable[..., Any], thread: bool
) -> None:
    shadowed.write(PRICE, WRONG)
    shadowed.install()
    serve, record = make(shadowed, "walk", factory, thread=thread)
    rows: list[Any] = []
    assert list(serve(rows, 2)) == [0, 1]
    assert rows == [0, None, 1, None]
    reverse = factory is reverse_observer
    assert list(serve([], 3)) == [0, 1, 3 if reverse else 2]
    made = serve([], 9)
    assert (next(made), made.send("x")) == (0, 1)
    made.close()
    unfinished = serve([], 9)
    next(unfinished)
    del unfinished
    shadowed.settle()
    found = record.counters("shadow")
    assert (found["compared"], found["differed"]) == (4, 1)
    # All were compared, and recorded where the worker did it.
    assert found["reasons"] == {}
    assert len(shadowed.kept("call")) == (0 if thread else 4)
    assert found["places"] == [["$[*]", "value", 1]]


def test_async_units_need_the_worker(shadowed: Shadowed) -> None:
    shadowed.write(PRICE, PRICE)
    shadowed.install()
    for name in ("fetch", "stream"):
        with pytest.raises(MigrateError, match="use isolation = 'process'"):
            make(shadowed, name, observer, thread=True)


def test_in_the_thread_what_cannot_be_copied_or_compared_is_counted(shadowed: Shadowed) -> None:
    text = "def walk(v):\n    yield from v[0]\n"
    shadowed.write(text, text)
    shadowed.install()
    serve, record = make(shadowed, "walk", observer, thread=True)
    assert list(serve([[1], threading.Lock()])) == [1]
    held = object()
    assert list(serve(([held],))) == [held]
    found = record.counters("shadow")
    assert (found["compared"], found["skipped"], found["errors"]) == (0, 1, 1)
    record.sampling = lambda: False
    assert list(serve([[1]])) == [1]
    assert record.counters("shadow")["reasons"]["evidence cannot be written"] == 1


def test_a_generator_without_end_is_observed_for_its_beginning(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exuvia.migrate.shadow import tape

    monkeypatch.setattr(tape, "LONGEST", 50)
    text = "def walk(n):\n    while True:\n        n += 1\n        yield n\n"
    shadowed.write(text, text)
    shadowed.install()
    serve, record = make(shadowed, "walk", observer)
    made = serve(0)
    assert [next(made) for _ in range(500)][-1] == 500
    made.close()
    shadowed.settle()
    assert (record.counters("shadow")["compared"], record.counters("shadow")["differed"]) == (1, 0)


def test_an_item_that_cannot_be_pickled_is_a_reason(shadowed: Shadowed) -> None:
    text = "import threading\ndef walk(n):\n    yield threading.Lock()\n"
    shadowed.write(text, text)
    shadowed.install()
    serve, record = make(shadowed, "walk", observer)
    assert len(list(serve(0))) == 1
    (reason,) = record.counters("shadow")["reasons"]
    assert reason.startswith("an item cannot be pickled: TypeError")


def test_calls_of_a_new_shape_are_recorded_with_arguments_and_outcome(shadowed: Shadowed) -> None:
    shadowed.write(PRICE, PRICE)
    shadowed.install("price", more="record = 2")
    for n in (1, 2, 3, 4, -1):
        try:
            shadowed.legacy.price(n)
        except ValueError:
            assert n == -1
    shadowed.settle()
    calls = shadowed.kept("call")
    kept = [[pickle.loads(base64.b64decode(call[part])) for part in ("arguments", "outcome")] for call in calls]
    assert kept[:2] == [[((1, "Buy"), {}), (2, None)], [((2, "Buy"), {}), (4, None)]]
    arguments, (result, raised) = kept[-1]
    assert (arguments, result, raised.args) == (((-1, "Buy"), {}), None, (-1,))
    for n in range(1, 5):
        shadowed.legacy.price(n)
    shadowed.settle()
    # Of nine calls number 2, 3, 4, 6 and 8 are recorded whatever their shape.
    assert len(shadowed.kept("call")) <= 2 * len({call["signature"] for call in calls}) + 5


@pytest.mark.parametrize(("record", "first"), [(0, []), (1, [1]), (5, [1, 2, 3, 4, 5])])
def test_recorded_calls_are_spread_over_the_life_of_the_process(
    shadowed: Shadowed, record: int, first: list[int]
) -> None:
    shadowed.write(PRICE, PRICE)
    shadowed.install("price", more=f'record = {record}\nwhen_full = "wait"')
    for n in range(1, 501):
        shadowed.legacy.price(n)
    shadowed.settle()
    calls = shadowed.kept("call")
    kept = [pickle.loads(base64.b64decode(call["arguments"]))[0][0] for call in calls]
    spread = [*range(1, 21), 24, 32, 48, 64, 96, 128, 192, 256, 384]
    assert set(spread if record else ()) <= set(kept), kept
    assert kept[: len(first)] == first
    # Another width of number is another shape of input: its first calls are recorded too.
    assert len(kept) == len(set(kept)) <= len(spread) + record * len({call["signature"] for call in calls})
    outcomes = [pickle.loads(base64.b64decode(call["outcome"])) for call in calls]
    assert outcomes == [(n * 2, None) for n in kept]


def test_positional_names_are_those_of_legacy() -> None:
    assert positional(make) == ("shadowed", "name", "factory")
    assert positional(dict.fromkeys) == ("iterable", "value")
    assert positional(42) == ()


def test_a_unit_that_is_added_later_is_told_to_the_worker_that_runs(shadowed: Shadowed) -> None:
    shadowed.write(PRICE, PRICE)
    shadowed.install("price")
    shadowed.legacy.price(1)
    shadowed.settle()
    first = shadowed.courier.stats()["worker"]
    serve, record = make(shadowed, "walk", observer)
    assert list(serve([], 2)) == [0, 1]
    shadowed.legacy.price(2)
    shadowed.settle()
    assert (record.counters("shadow")["compared"], record.counters("shadow")["differed"]) == (1, 0)
    assert shadowed.counts("price")["compared"] == 2
    assert shadowed.courier.stats()["worker"] == first
    assert shadowed.stats("price")["strikes"] == []


def test_nothing_runs_before_the_first_sample_and_nothing_after_the_stop(shadowed: Shadowed) -> None:
    shadowed.write(PRICE, PRICE)
    shadowed.install("price")
    courier = shadowed.courier
    assert (courier.thread, courier.stats()["worker"]) == (None, None)
    assert courier.flush(0.0)
    courier.start()
    shadowed.legacy.price(1)
    shadowed.settle()
    worker = courier.stats()["worker"]
    courier.stop(5.0)
    until(lambda: not alive(worker), "the worker was left behind")
    assert shadowed.legacy.price(2) == 4
    assert courier.flush(1.0)
    assert shadowed.counts("price")["reasons"] == {"the courier has stopped": 1}
    courier.stop(1.0)


def test_a_flush_says_when_it_was_not_enough(shadowed: Shadowed) -> None:
    shadowed.write(PRICE, "import time\ndef price(n, side='Buy'):\n    time.sleep(0.8)\n    return n * 2\n")
    shadowed.install("price")
    shadowed.legacy.price(1)
    assert not shadowed.courier.flush(0.05)
    shadowed.settle()
    assert shadowed.counts("price")["compared"] == 1


def test_a_quarantine_that_fails_is_counted_and_the_shadow_is_off_all_the_same(shadowed: Shadowed) -> None:
    shadowed.write(PRICE, "def price(n, side='Buy'):\n    raise SystemExit\n")
    shadowed.install("price")

    def refuse(unit: str, cause: str) -> None:
        raise OSError(f"{unit} {cause}: no space left")

    shadowed.courier.quarantine = refuse
    for n in range(3):
        assert shadowed.legacy.price(n) == n * 2
    shadowed.settle()
    assert any("the quarantine failed: OSError" in reason for reason in shadowed.counts("price")["reasons"])
    assert shadowed.stats("price")["off"].startswith("quarantined: exit")


def test_status_says_what_the_callers_thread_does_not_contain(shadowed: Shadowed) -> None:
    shadowed.write(PRICE, PRICE)
    shadowed.install("price", more='isolation = "thread"')
    note = (
        "isolation = thread: a hang, an abort, a stack overflow or exhausted memory is not contained, nor what the "
        "candidate does to files, connections, warnings and the settings of modules; comparing ends where another "
        "thread draws random numbers meanwhile"
    )
    undone = (
        "isolation = thread: random numbers that a signal's handler draws while the candidate runs, and what it then "
        "changes in the environment, the working directory or the interpreter's limits, are undone with its own"
    )
    assert exuvia.migrate.status()[0].notes == [note, undone]
    config = exuvia.migrate.load(shadowed.folder / "exuvia.toml")
    found = reading.statuses(config, reading.read_folder(config.evidence))[0].notes
    assert [note, undone] == [each for each in found if each.startswith("isolation")]
    assert shadowed.lanes == []


def test_threads_that_call_at_once_lose_nothing_and_mix_nothing_up(shadowed: Shadowed) -> None:
    shadowed.write(PRICE, WRONG)
    shadowed.install("price", more='when_full = "wait"\nqueue = 64')
    wrong: list[int] = []

    def work(start: int) -> None:
        for n in range(start, start + 500):
            if shadowed.legacy.price(n) != n * 2:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 1000, 2000, 3000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    counts = shadowed.counts("price")
    assert (counts["compared"], counts["differed"], counts["skipped"]) == (2000, 1, 0)


def test_the_worker_finds_accessors_class_methods_and_the_functions_of_a_module(shadowed: Shadowed) -> None:
    text = (
        "class Book:\n    def __init__(self):\n        self.n = 3\n"
        "    @property\n    def twice(self):\n        return self.n * 2\n"
        "    @classmethod\n    def named(cls, x):\n        return cls.__name__, x\n"
        "    @staticmethod\n    def half(x):\n        return x / 2\n"
        "    def add(self, x):\n        self.n += x\n        return self.n\n"
    )
    shadowed.write(text, f"import LEGACY\n{text}")
    shadowed.install("Book.twice", "Book.named", "Book.half", "Book.add")
    book = shadowed.legacy.Book()
    assert (book.twice, book.named(2), shadowed.legacy.Book.named(2)) == (6, ("Book", 2), ("Book", 2))
    assert (book.half(3), book.add(4), book.n) == (1.5, 7, 7)
    for name in ("Book.twice", "Book.named", "Book.half", "Book.add"):
        counts = shadowed.counts(name)
        assert (counts["compared"] > 0, counts["differed"], counts["skipped"], counts["errors"]) == (True, 0, 0, 0), (
            name,
            counts,
        )


def test_a_call_whose_changed_arguments_cannot_be_read_is_not_compared_and_says_so(shadowed: Shadowed) -> None:
    text = "def push(queue, n):\n    queue.seed(n)\n    return n\ndef left(queue):\n    return queue.random() < 2\n"
    shadowed.write(text, text.replace("seed(n)", "seed(n * (n < 3))"))
    shadowed.install("push", "left")
    for n in range(5):
        shadowed.legacy.push(random.Random(7), n)
        shadowed.legacy.left(random.Random(7))
    counts = shadowed.counts("push")
    # Where both sides left the same behind, it need not be read.
    assert (counts["compared"], counts["differed"], counts["skipped"]) == (3, 0, 2)
    ((said, times),) = counts["reasons"].items()
    assert times == 2
    assert said.startswith("what both sides did to the arguments cannot be compared: CompareError: $args[0] of a dict")
    assert "register(random.Random" in said
    assert (shadowed.counts("left")["compared"], shadowed.counts("left")["skipped"]) == (5, 0)


@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_a_deque_that_both_sides_changed_otherwise_differs_at_its_item(shadowed: Shadowed, isolation: str) -> None:
    text = "def push(queue, n):\n    queue.append(n)\n    return n\n"
    shadowed.write(text, text.replace("append(n)", "append(n + (n > 3))"))
    shadowed.install("push", more=f'isolation = "{isolation}"')
    queue: collections.deque[int] = collections.deque([0], 3)
    for n in range(5):
        shadowed.legacy.push(queue, n)
    assert list(queue) == [2, 3, 4]
    counts = shadowed.counts("push")
    assert (counts["compared"], counts["differed"], counts["skipped"]) == (5, 1, 0)
    (found,) = shadowed.kept("mismatch")
    assert (found["path"], found["legacy"], found["candidate"]) == ("$args[0][2]", "4", "5")


def test_a_difference_in_the_result_is_told_although_the_arguments_cannot_be_read(shadowed: Shadowed) -> None:
    text = "def push(queue, n):\n    queue.write(bytes([n]))\n    return n\n"
    shadowed.write(text, text.replace("[n]", "[1]").replace("return n", "return n + 1"))
    shadowed.install("push")
    shadowed.legacy.push(io.BytesIO(), 7)
    counts = shadowed.counts("push")
    assert (counts["compared"], counts["differed"], counts["skipped"]) == (1, 1, 0)


def test_in_the_callers_thread_too_changed_arguments_that_cannot_be_read_are_counted(shadowed: Shadowed) -> None:
    text = (
        "def push(queue, n, told=None):\n    queue.write(bytes([n]))\n    return n\n"
        "class Feed:\n    def push(self, queue, n):\n        queue.write(bytes([n]))\n        return n\n"
    )
    shadowed.write(text, text.replace("[n]", "[n * (n < 3)]"))
    shadowed.install("push", "Feed", more='isolation = "thread"')
    feed = shadowed.legacy.Feed()
    for n in range(5):
        shadowed.legacy.push(io.BytesIO(), n, lambda: None)
        feed.push(io.BytesIO(), n)
    for name, compared in (("push", 3), ("Feed", 4)):
        counts = shadowed.counts(name)
        assert (counts["compared"], counts["differed"], counts["skipped"]) == (compared, 0, 2), (name, counts)
        assert next(iter(counts["reasons"])).startswith("what both sides did to the arguments cannot be compared: ")
