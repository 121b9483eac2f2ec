"""The threads of exuvia: nobody counts them as his own, a debugger of threads sees them, and they end."""

from __future__ import annotations

import sys
import threading
from types import FrameType
from typing import Any

import pytest
from exuvia.migrate import background, own
from exuvia.migrate.background import Background

LONG_S = 60.0


class Held:
    """A thread that works until it is let go."""

    def __init__(self) -> None:
        self.seen = threading.Event()
        self.go = threading.Event()
        self.inside: Any = None
        self.thread = Background(self._work)

    def _work(self) -> None:
        self.seen.set()
        self.go.wait(LONG_S)
        self.inside = self.thread.here


def test_a_thread_of_exuvia_is_counted_as_exuvia_s_while_it_runs_and_by_nobody_else() -> None:
    before, alive = background.running(), threading.active_count()
    held = Held()
    assert held.seen.wait(LONG_S)
    assert (background.running(), threading.active_count()) == (before + 1, alive)
    assert held.thread.is_alive()
    assert not held.thread.join(0.0)
    held.go.set()
    assert held.thread.join(LONG_S)
    assert held.inside is True
    assert (background.running(), held.thread.here) == (before, False)


def test_work_is_done_in_the_thread_that_runs_it_and_threading_forgets_that() -> None:
    """What the new thread does, done in this one: here it can be looked at."""
    ended = Background(lambda: None)
    assert ended.join(LONG_S)
    before = background.running()
    seen: list[object] = []
    begun = threading.Event()
    ended._work = lambda: seen.append((begun.is_set(), ended.here, background.running()))
    ended._ended.clear()
    ended._run(sys.gettrace(), begun)
    assert seen == [(True, True, before + 1)]
    assert (ended.here, ended.is_alive(), background.running()) == (False, False, before)


def test_a_thread_whose_work_fails_has_ended_all_the_same() -> None:
    ended = Background(lambda: None)
    assert ended.join(LONG_S)
    ended._ended.clear()

    def fails() -> None:
        raise ZeroDivisionError

    ended._work = fails
    with pytest.raises(ZeroDivisionError):
        ended._run(None, threading.Event())
    assert (ended.is_alive(), ended.here) == (False, False)


def test_a_thread_that_is_told_no_does_nothing_and_is_counted_nowhere() -> None:
    done: list[str] = []
    asked: list[Background] = []

    def no(thread: Background) -> bool:
        asked.append(thread)
        return False

    ended = Background(lambda: done.append("work"), no)
    assert ended.join(LONG_S)
    before, begun = background.running(), threading.Event()
    ended._ended.clear()
    ended._run(None, begun)
    # Whoever started it waits no longer either.
    assert (begun.is_set(), ended.is_alive(), background.running(), done) == (True, False, before, [])
    assert asked == [ended, ended]


def test_a_debugger_of_threads_sees_exuvia_s_as_well() -> None:
    traced: list[str] = []

    def trace(frame: FrameType, event: str, _: object) -> None:
        if frame.f_code.co_name == "worked":
            traced.append(event)

    def worked() -> None:
        return None

    before = threading.gettrace()
    threading.settrace(trace)
    try:
        thread = Background(worked)
    finally:
        threading.settrace(before)
    assert thread.join(LONG_S)
    assert traced == ["call"]


def test_where_threading_keeps_its_threads_elsewhere_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = threading.current_thread()
    monkeypatch.delattr(own.threading, "_DummyThread")
    background.forget()
    assert threading.current_thread() is mine


def test_only_a_thread_that_threading_did_not_start_is_forgotten() -> None:
    noted: list[bool] = []

    def work() -> None:
        threading.current_thread()
        noted.append(threading.get_ident() in threading._active)  # type: ignore[attr-defined]
        background.forget()
        noted.append(threading.get_ident() in threading._active)  # type: ignore[attr-defined]

    assert Background(work).join(LONG_S)
    assert noted == [True, False]
    background.forget()
    assert threading.get_ident() in threading._active  # type: ignore[attr-defined]
