"""What comes in the middle of observing a function, counting it or writing it down: a handler, or a destructor."""

from __future__ import annotations

import gc
import signal
import time
from typing import Any

import pytest
from exuvia.migrate import runtime
from exuvia.migrate.dispatch import raised
from exuvia.migrate.evidence import tally
from exuvia.migrate.evidence.redact import Redactor
from exuvia.migrate.shadow import beside, containment, courier, lane, sampling
from exuvia.migrate.shadow import unseen_importlib_bootstrap as unseen
from interrupting import MODES, At, Stop, at, source
from shadowing import Shadowed, shadowed, until

__all__ = ["at", "shadowed"]

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
