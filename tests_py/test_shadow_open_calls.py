"""Async and generator methods of classes: compared whole, at their end, whichever side serves."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import exuvia.migrate
import pytest
from exuvia.errors import MigrateError
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]

DESK = """
import asyncio
class Desk:
    def __init__(self, start=0):
        self.seen = start
        self.rows = []
    def add(self, row):
        self.rows.append(row)
        return len(self.rows)
    async def place(self, row, pause=0):
        await asyncio.sleep(pause)
        self.seen += self.add(row)
        await self.checked()
        return self.seen
    async def checked(self):
        await asyncio.sleep(0)
        return self.seen
    async def fails(self, row):
        await asyncio.sleep(0)
        raise KeyError(row)
    async def itself(self):
        return self
    def each(self):
        self.seen += 1
        for row in list(self.rows):
            got = yield row, self.checks(row)
            if got:
                self.rows.append(got)
        return len(self.rows)
    def checks(self, row):
        return row in self.rows
    async def stream(self, n):
        for k in range(n):
            await asyncio.sleep(0)
            self.seen += 1
            yield k
"""
WRONG = DESK.replace(
    "return self.seen\n    async def checked", "return self.seen + (row == 'bad')\n    async def checked"
)
WRONG = WRONG.replace("yield k", "yield k + (self.seen == 7)")
STATE = """
    def export_state(self):
        return self.seen, list(self.rows)
    @classmethod
    def import_state(cls, state):
        made = cls()
        made.seen, made.rows = state[0], list(state[1])
        return made
"""
WAITS = 'sample = 0.999999\nwhen_full = "wait"'
MODES = pytest.mark.parametrize("mode", ["shadow", "rust"])


def counted(shadowed: Shadowed) -> tuple[int, int, int, int]:
    counts = shadowed.counts("Desk")
    return counts["compared"], counts["differed"], counts["skipped"], counts["errors"]


@MODES
def test_async_and_generator_methods_of_an_object_are_compared_in_their_order(shadowed: Shadowed, mode: str) -> None:
    shadowed.write(DESK, DESK)
    shadowed.install("Desk", mode=mode, more=f'{WAITS}\nattributes = ["seen", "rows"]')

    async def day() -> Any:
        desk = shadowed.legacy.Desk()
        assert await desk.place("a") == 1
        assert await desk.place("b", pause=0.01) == 3
        assert desk.add("c") == 3
        with pytest.raises(KeyError):
            await desk.fails("x")
        assert await desk.itself() is desk
        assert [row async for row in desk.stream(3)] == [0, 1, 2]
        walk = desk.each()
        assert next(walk) == ("a", True)
        assert walk.send("d") == ("b", True)
        assert list(walk) == [("c", True)]
        assert desk.add("e") == 5
        return desk

    desk = asyncio.run(day())
    assert (desk.seen, desk.rows) == (7, ["a", "b", "c", "d", "e"])
    assert counted(shadowed) == (9, 0, 0, 0), shadowed.counts("Desk")
    assert inspect.iscoroutinefunction(desk.place)
    assert inspect.iscoroutinefunction(shadowed.legacy.Desk.place)


@MODES
@pytest.mark.parametrize("which", ["place", "stream"])
def test_a_difference_of_an_async_method_is_seen(shadowed: Shadowed, mode: str, which: str) -> None:
    shadowed.write(DESK, WRONG)
    shadowed.install("Desk", mode=mode, more=WAITS)
    desk = shadowed.legacy.Desk(5)

    async def streamed() -> list[int]:
        return [k async for k in desk.stream(3)]

    asyncio.run(desk.place("bad") if which == "place" else streamed())
    assert counted(shadowed) == (2, 1, 0, 0)
    (line,) = shadowed.kept("mismatch")
    assert line["call"] == which
    assert (line["legacy"], line["candidate"]) == (("6", "7") if which == "place" else ("1", "2"))


@MODES
def test_calls_that_overlap_in_one_object_are_not_compared_and_said(shadowed: Shadowed, mode: str) -> None:
    shadowed.write(DESK, DESK)
    shadowed.install("Desk", mode=mode, more=WAITS)

    async def both() -> Any:
        desk = shadowed.legacy.Desk()
        await asyncio.gather(desk.place("a", pause=0.02), desk.place("b"))
        return desk

    desk = asyncio.run(both())
    assert sorted(desk.rows) == ["a", "b"]
    assert desk.add("c") == 3
    compared, differed, skipped, errors = counted(shadowed)
    assert (compared, differed, errors) == (1, 0, 0)
    assert skipped >= 3
    reasons = " ".join(shadowed.counts("Desk")["reasons"])
    assert "in the middle of" in reasons
    assert "no export_state" in reasons


@MODES
def test_an_object_whose_calls_overlapped_gets_back_into_step_by_its_state(shadowed: Shadowed, mode: str) -> None:
    shadowed.write(DESK + STATE, DESK + STATE)
    shadowed.install("Desk", mode=mode, more=WAITS)
    desk = shadowed.legacy.Desk()
    desk.add("a")
    for row, _ in desk.each():
        # In the middle of the generator.
        desk.add(row)
    assert desk.add("b") == 3
    compared, differed, skipped, _ = counted(shadowed)
    assert (compared, differed, skipped) == (3, 0, 2), shadowed.counts("Desk")


@MODES
def test_a_generator_that_is_left_early_and_one_that_is_never_begun_leave_the_twin_in_step(
    shadowed: Shadowed, mode: str
) -> None:
    shadowed.write(DESK, DESK)
    shadowed.install("Desk", mode=mode, more=WAITS)
    desk = shadowed.legacy.Desk()
    desk.add("a")
    desk.add("b")
    desk.each()
    for row, _ in desk.each():
        assert row == "a"
        break
    assert asyncio.run(desk.checked()) == 1
    assert counted(shadowed) == (5, 0, 0, 0), shadowed.counts("Desk")


def test_a_cancelled_call_leaves_the_program_its_cancellation_and_the_twin_behind(shadowed: Shadowed) -> None:
    shadowed.write(DESK, DESK)
    shadowed.install("Desk", more=WAITS)

    async def cancelled() -> Any:
        desk = shadowed.legacy.Desk()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(desk.place("a", pause=5), 0.02)
        return desk

    desk = asyncio.run(cancelled())
    assert desk.add("b") == 1
    assert counted(shadowed) == (1, 0, 2, 0)
    assert "place: it was cancelled, or the program ended, before its end" in shadowed.counts("Desk")["reasons"]


def test_in_the_callers_thread_and_with_another_kind_they_are_refused(shadowed: Shadowed) -> None:
    shadowed.write(DESK, DESK)
    with pytest.raises(MigrateError, match="isolation = 'thread' cannot follow: use isolation = 'process'"):
        shadowed.install("Desk", more='isolation = "thread"')
    exuvia.migrate.uninstall()
    shadowed.candidate_name += "b"
    shadowed.write(
        DESK, DESK.replace("async def fails(self, row):\n        await asyncio.sleep(0)", "def fails(self, row):")
    )
    with pytest.raises(MigrateError, match="method fails is async, the candidate's is a plain one"):
        shadowed.install("Desk")


def test_an_async_method_of_another_awaitable_kind_serves_in_rust_and_is_compared(shadowed: Shadowed) -> None:
    theirs = DESK.replace(
        "    async def checked(self):\n        await asyncio.sleep(0)\n        return self.seen\n",
        "    checked = Checked()\n",
    )
    theirs = theirs.replace("class Desk:", KIND + "class Desk:")
    shadowed.write(DESK, theirs)
    shadowed.install("Desk", mode="rust", more=WAITS)
    desk = shadowed.legacy.Desk(4)

    async def day() -> tuple[int, int]:
        return await desk.checked(), await desk.place("a")

    assert asyncio.run(day()) == (4, 5)
    assert counted(shadowed)[1:] == (0, 0, 0), shadowed.counts("Desk")


KIND = """
class Soon:
    def __init__(self, value):
        self.value = value
    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return self.value
class Checked:
    def __get__(self, desk, kind=None):
        return self if desk is None else lambda: Soon(desk.seen)
    def __call__(self, desk):
        return Soon(desk.seen)
"""
