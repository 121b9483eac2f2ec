"""Forked children: each counts for itself, in a file of its own, and repeats nothing of its parent's."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
import segments
from exuvia.migrate import children
from exuvia.migrate.descriptor import Held
from exuvia.migrate.evidence import reading
from exuvia.migrate.modes import journal as modes
from moult import Project, project
from test_migrate_trouble import soon

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["project"]

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def in_child(work: Callable[[], Any]) -> int:
    """Do work in a forked child and return its exit code: 0 if nothing was raised."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(60)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def on_disk(project: Project) -> dict[str, Any]:
    config = exuvia.migrate.load(project.config)
    found = reading.statuses(config, reading.read_folder(config.evidence))
    return {state.unit.partition(":")[2]: state for state in found}


def test_what_the_parent_counted_is_not_counted_again(project: Project) -> None:
    project.install("sort", "cached")
    project.legacy.sort([2, 1])
    project.legacy.sort([(lambda: 0)])

    def work() -> None:
        project.legacy.sort([4, 3])
        exuvia.migrate.uninstall()

    before = project.status("sort")
    assert (before.counts["differed"], before.counts["compared"]) == (1, 2)
    assert in_child(work) == 0
    exuvia.migrate.uninstall()
    state = on_disk(project)["sort"]
    assert (state.segments, state.counts["compared"], state.counts["differed"]) == (2, 3, 2)
    assert state.counts["legacy_calls"] == 3
    assert sum(state.places.values()) == 2 * sum(before.places.values())


def test_objects_of_the_parent_are_not_counted_as_made_by_the_child(project: Project) -> None:
    project.install("Book", mode="rust")
    kept = project.user.Book()

    def work() -> None:
        assert kept.add(1) == 1
        made = project.user.Book()
        state = project.status("Book")
        assert (state.objects["candidate"], state.objects["alive"]) == (1, 2)
        assert state.counts["candidate_calls"] == 2, made

    assert in_child(work) == 0
    assert project.status("Book").objects == {"legacy": 0, "candidate": 1, "twinned": 0, "alive": 1}


def test_a_child_follows_the_journal_with_a_watch_of_its_own(project: Project) -> None:
    project.install("mean", mode="rust")

    def work() -> None:
        modes.append(project.folder / "evidence", project.unit("mean"), "legacy", "drill")
        assert soon(lambda: project.status("mean").mode == "legacy")

    assert in_child(work) == 0
    assert soon(lambda: project.status("mean").mode == "legacy")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_child_keeps_evidence_although_its_parents_disk_was_full_before(project: Project) -> None:
    project.install("mean")
    segment = exuvia.migrate.runtime._current.segment
    segment._descriptor.close()
    segment._descriptor = Held(os.open("/dev/full", os.O_WRONLY))
    exuvia.migrate.set_mode(project.unit("mean"), "rust")
    exuvia.migrate.set_mode(project.unit("mean"), "shadow")
    assert any("No space left" in note for note in project.status("mean").notes)

    def work() -> None:
        project.legacy.mean([1.0])
        assert project.status("mean").notes == []
        exuvia.migrate.uninstall()

    assert in_child(work) == 0
    exuvia.migrate.uninstall()
    pids = [segments.lines(path)[0]["pid"] for path in segments.files(project.folder / "evidence")]
    assert len(set(pids)) == 2
    assert on_disk(project)["mean"].counts["compared"] == 1


def killed(project: Project) -> list[str]:
    """What reads as killed in the evidence."""
    found = reading.read_folder(project.folder / "evidence")
    return [trouble.text for segment in found for trouble in segment.troubles if trouble.what == "killed"]


def test_a_child_that_called_no_unit_and_left_by_os_exit_was_not_killed(project: Project) -> None:
    own = os._exit
    project.install("mean", "Book")
    project.legacy.mean([1.0])
    assert in_child(lambda: None) == 0
    assert in_child(lambda: os._exit(0)) == 0
    assert os._exit is own, "the program's own is as it was"
    exuvia.migrate.uninstall()
    assert len(segments.files(project.folder / "evidence")) == 3
    assert killed(project) == []
    assert on_disk(project)["mean"].verdict == "PASS"


@pytest.mark.parametrize("call", ["mean", "Book"])
def test_of_a_child_that_called_a_unit_and_left_by_os_exit_the_last_is_not_known(project: Project, call: str) -> None:
    project.install("mean", "Book")
    project.legacy.mean([1.0])

    def work() -> None:
        project.legacy.mean([1.0]) if call == "mean" else project.legacy.Book()

    assert in_child(work) == 0
    exuvia.migrate.uninstall()
    assert len(killed(project)) == 1


def test_a_childs_own_child_says_farewell_for_itself(project: Project) -> None:
    project.install("mean")

    def work() -> None:
        project.legacy.mean([1.0])
        assert in_child(lambda: None) == 0
        exuvia.migrate.uninstall()

    assert in_child(work) == 0
    exuvia.migrate.uninstall()
    assert len(segments.files(project.folder / "evidence")) == 3
    assert killed(project) == []


def code_of_child(work: Callable[[], Any]) -> tuple[int, float]:
    """Do work in a forked child that is to leave with 7 by `os._exit`: its exit code, and how long it took to leave."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            signal.alarm(60)
            work()
            os.write(write, str(time.monotonic()).encode())
            os._exit(7)
        os.kill(os.getpid(), signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    ended = time.monotonic()
    os.close(write)
    with os.fdopen(read) as file:
        return code, ended - float(file.read() or 0)


def raising(number: int, _frame: object) -> None:
    raise SystemExit(f"by the handler of {number}")


@pytest.mark.skipif(
    bool(os.environ.get("EXUVIA_COVERAGE")), reason="coverage.py has a Python function for os._exit: handlers run in it"
)
def test_what_a_signal_handler_raises_does_not_get_around_os_exit(project: Project) -> None:
    project.install("mean")
    project.legacy.mean([1.0])

    def work() -> None:
        signal.signal(signal.SIGTERM, raising)
        signal.signal(signal.SIGUSR1, raising)
        signal.signal(signal.SIGALRM, raising)
        current = exuvia.migrate.runtime._current
        write = current.segment.counters

        def disturbed(*args: Any, **kwargs: Any) -> None:
            signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGUSR1)
                time.sleep(0.01)
            write(*args, **kwargs)

        current.segment.counters = disturbed

    assert code_of_child(work)[0] == 7
    exuvia.migrate.uninstall()


@pytest.mark.parametrize("held", ["segment", "counting"])
def test_a_lock_that_was_held_at_the_fork_keeps_no_child_from_leaving(project: Project, held: str) -> None:
    project.install("mean")
    project.legacy.mean([1.0])

    def work() -> None:
        current = exuvia.migrate.runtime._current
        lock = {"segment": current.segment._lock, "counting": current.counting}[held]
        taken = threading.Event()
        threading.Thread(target=lambda: (lock.acquire(), taken.set(), time.sleep(60)), daemon=True).start()
        assert taken.wait(10)

    code, took = code_of_child(work)
    assert code == 7
    assert took < 3.0
    exuvia.migrate.uninstall()


def test_where_the_programs_own_os_exit_comes_back_signals_are_as_they_were(project: Project) -> None:
    project.install("mean")

    def work() -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
        wrong: Any = "wrong"
        with pytest.raises(TypeError):
            os._exit(wrong)
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before | {signal.SIGUSR2}

    assert code_of_child(work)[0] == 7


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The codes with which the process would have left, were its `os._exit` the real one."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    return codes


def test_a_farewell_is_said_once_and_signals_are_as_before_where_os_exit_comes_back(left: list[int]) -> None:
    said: list[str] = []
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    children.farewell_at_exit(lambda: said.append("farewell"))
    children.farewell_at_exit(lambda: said.append("twice"))
    os._exit(3)
    assert (left, said) == ([3], ["farewell"])
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_whatever_is_raised_on_the_way_out_the_process_leaves(left: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    children.farewell_at_exit(interrupted)
    monkeypatch.setattr(children, "_hold_back", interrupted)
    os._exit(4)
    assert left == [4]


@pytest.mark.parametrize(("error", "said"), [(RuntimeError, ["farewell"]), (KeyboardInterrupt, [])])
def test_where_no_thread_can_be_started_the_farewell_is_said_in_the_one_that_leaves(
    left: list[int], monkeypatch: pytest.MonkeyPatch, error: type[BaseException], said: list[str]
) -> None:
    found: list[str] = []

    def refused(_work: object) -> None:
        raise error("can't start new thread")

    monkeypatch.setattr(children, "Background", refused)
    monkeypatch.setattr(children, "FAREWELL_S", 0.05)
    children.farewell_at_exit(lambda: found.append("farewell"))
    os._exit(5)
    assert (left, found) == ([5], said)


def test_a_handler_that_raises_while_signals_are_held_back_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def masked(_how: int, _signals: object) -> set[int]:
        calls.append("asked")
        if len(calls) == 2:
            raise SystemExit("by a handler")
        return set()

    monkeypatch.setattr(children.signal, "pthread_sigmask", masked)
    before: list[Any] = []
    children._hold_back(before)
    assert (calls, before) == (["asked"] * 3, [set()])
