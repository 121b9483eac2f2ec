"""What counts calls and tells what a thread does: of compiled code, of what has no source, of what has ended."""

from __future__ import annotations

import dis
import importlib
import linecache
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from exuvia.migrate.dispatch import splice
from exuvia.migrate.worth import leaf, sampler
from exuvia.migrate.worth.counting import Counted, Counting, _follower
from exuvia.migrate.worth.sampler import Sampler
from exuvia.migrate.worth.timing import timed
from exuvia.quotes import QuoteBook

QUOTE = b'[{"Uic":21,"LastUpdated":"2014-05-07T00:00:07.135Z","Quote":{"Bid":1.39286,"Ask":1.39298}}]'
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="asks the system of Linux")


def test_the_compiled_functions_of_a_module_are_counted_wherever_they_are_held() -> None:
    import bisect

    original = bisect.bisect_left
    with Counting(["_bisect"]) as counting:
        assert bisect.bisect_left([1, 2, 3], 2) == 1
        assert bisect.bisect_right([1, 2, 3], 2) == 2
    assert (counting.units["_bisect"].calls, counting.units["_bisect"].problem) == (2, None)
    assert bisect.bisect_left is original


def test_one_method_of_a_compiled_class_is_counted_and_its_others_are_not() -> None:
    book = QuoteBook()
    watched = "exuvia.quotes:QuoteBook.apply"
    with Counting([watched]) as counting:
        for _ in range(3):
            book.apply(QUOTE)
        book.as_of(21, 0) if hasattr(book, "as_of") else repr(book)
    assert (counting.units[watched].calls, counting.units[watched].problem) == (3, None)
    assert sys.getprofile() is None


def test_each_call_of_a_compiled_method_is_timed_from_its_begin_to_its_end() -> None:
    """What the interpreter tells of calls, told here by the test."""
    book, other = QuoteBook(), QuoteBook()
    whole, only = Counted(), Counted()
    follow = _follower({QuoteBook: (None, whole)})
    for end in ("c_return", "c_exception"):
        follow(None, "c_call", book.apply)
        # What it calls itself, and an end of something else, are neither its call nor its end.
        follow(None, "c_call", len)
        follow(None, "c_return", other.apply)
        time.sleep(0.002)
        follow(None, end, book.apply)
    follow(None, "return", None)
    assert whole.calls == 2
    assert 0.004 <= whole.wall_s < 60.0
    assert whole.cpu_s < whole.wall_s
    follow = _follower({QuoteBook: ("apply", only)})
    follow(None, "c_call", book.__repr__)
    follow(None, "c_call", book.apply)
    follow(None, "c_return", book.apply)
    # An end without a begin, as in a thread that was in a call when the counting began.
    follow(None, "c_return", book.apply)
    assert only.calls == 1


def test_what_cannot_be_counted_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ticking.py").write_text(
        "async def ticks(n):\n    yield n\ndef price(n):\n    return n\nclass Plain(dict): pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def problem(unit: str) -> str | None:
        with Counting([unit]) as counting:
            pass
        return counting.units[unit].problem

    assert problem("ticking:ticks") == "the steps of an async generator are not counted"
    assert problem("ticking") == "of a whole module only compiled functions are counted"
    monkeypatch.setattr(splice, "can_splice", lambda: False)
    assert "never tested on this Python" in str(problem("ticking:price"))
    monkeypatch.setattr(sys, "getprofile", lambda: print)
    assert "another profiler stands where" in str(problem("exuvia.quotes:QuoteBook"))
    assert importlib.import_module("ticking").price(2) == 2


def test_without_a_call_there_is_nothing_to_time() -> None:
    assert timed(abs, abs, []) == "no call was seen"


def at_call(code: CodeType) -> int:
    """Where a code calls something, the last time."""
    return [step.offset for step in dis.get_instructions(code) if step.opname.startswith("CALL")][-1]


def compiled(text: str, file: str) -> CodeType:
    return compile(text, file, "exec")


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes that are alike but for their file count as one."""
    monkeypatch.setattr(leaf, "_KNOWN", {})


def kind(text: str, tmp_path: Path) -> str:
    """What the call of a line does."""
    path = tmp_path / f"line{len(list(tmp_path.iterdir()))}.py"
    path.write_text(text)
    code = compiled(text, str(path))
    return leaf.kind_at(code, at_call(code))


def test_a_call_is_told_by_the_name_of_what_is_called(tmp_path: Path) -> None:
    assert kind("sleep(1)\n", tmp_path) == "sleep"
    assert kind("lock.acquire()\n", tmp_path) == "wait"
    assert kind("price(1)\n", tmp_path) == "compute"
    assert kind("sleep[0](1)\n", tmp_path) == "compute"


@pytest.mark.usefixtures("forgotten")
def test_an_instruction_without_source_counts_as_compute(tmp_path: Path) -> None:
    nowhere = compiled("\nsleep(1)", "<nowhere>")
    assert leaf.kind_at(nowhere, at_call(nowhere)) == "compute"
    there = tmp_path / "there.py"
    there.write_text("sleep(1)\n")
    code = compiled("sleep(1)\n", str(there))
    assert leaf.kind_at(code, at_call(code)) == "sleep"
    # Neither a call, nor in the code at all, nor with a place in the source.
    assert leaf.kind_at(code, 0) == leaf.kind_at(code, -1) == leaf.kind_at(code, 10_000) == "compute"
    blank = code.replace(co_linetable=b"", co_name="blank")
    assert leaf.kind_at(blank, at_call(blank)) == "compute"
    # The file was changed after it was imported: what stands there now is no call.
    there.write_text("sle(((\n")
    linecache.checkcache(str(there))
    changed = code.replace(co_name="changed")
    assert leaf.kind_at(changed, at_call(changed)) == "compute"


@pytest.mark.usefixtures("forgotten")
def test_what_is_remembered_of_instructions_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaf, "_KNOWN_AT_MOST", 2)
    assert [kind(f"{chr(10) * line}sleep(1)\n", tmp_path) for line in range(5)] == ["sleep"] * 5
    assert len(leaf._KNOWN) == 1


@LINUX
def test_a_thread_that_has_ended_has_no_clock_and_is_told_by_its_last_call(tmp_path: Path) -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    native = thread.native_id
    assert native is not None
    threads = leaf.Threads()
    path = tmp_path / "s.py"
    path.write_text("sleep(1)\n")
    code = compiled("sleep(1)\n", str(path))
    # The system takes a moment to forget it.
    for _ in range(600):
        if threads.cpu(native) is None:
            break
        time.sleep(0.1)
    assert threads.cpu(native) is None
    assert threads.state(native, code, at_call(code)) == "sleep"
    assert threads._files == {}
    assert threads.cpu(threading.get_native_id()) is not None


def test_another_system_says_nothing_of_threads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(sys, "platform", "darwin")
        threads = leaf.Threads()
        seen = threads.exact, threads.cpu(1)
        sampler.wake_sharply()
        with Sampler() as sampling:
            pass
        notes = sampling.profile().notes
    assert seen == (False, None)
    assert "waiting is told by the names of calls: this system does not say what a thread does" in notes


def test_where_the_system_has_no_such_call_a_thread_wakes_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def none(name: object) -> object:
        asked.append(name)
        raise OSError("no such library")

    monkeypatch.setattr("ctypes.CDLL", none)
    sampler.wake_sharply()
    assert asked == ([None] if sys.platform == "linux" else [])


def test_stacks_beyond_the_first_ones_are_counted_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "STACKS", 0)
    sampling = Sampler()
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, args=(60.0,), name="waits")
    thread.start()
    try:
        sampling._look(threading.get_ident())
    finally:
        stop.set()
        thread.join()
    assert sampling._lost >= 1
    assert {stack for stack, _, _ in sampling._stacks} == {()}
    assert f"{sampling._lost:,} samples were of stacks beyond the first 0" in sampling.profile().notes


def test_an_async_generator_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    (tmp_path / "asyncticks.py").write_text("async def ticks(n):\n    yield n\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = importlib.import_module("asyncticks")

    async def first(items: AsyncIterator[int]) -> list[int]:
        return [item async for item in items]

    with Counting(["asyncticks:ticks"]) as counting:
        assert asyncio.run(first(found.ticks(3))) == [3]
    assert counting.units["asyncticks:ticks"].calls == 0
