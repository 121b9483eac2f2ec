"""What an async function or generator is timed by: what it computes, on both sides, and nothing that it waits for."""

from __future__ import annotations

import asyncio
import sys
from time import perf_counter_ns
from typing import Any

import pytest
from exuvia.migrate.shadow import replay
from exuvia.migrate.shadow.unseen_importlib_bootstrap import computing
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]

SLEEP_S = 0.02
ASYNC = f"""
    import asyncio
    tasks = []
    loops = set()
    async def decide(prices):
        best = 0.0
        for price in prices:
            best = price if price > best else best
        return best
    async def waits(n):
        await asyncio.sleep({SLEEP_S})
        return n
    async def leaves(n):
        tasks.append(asyncio.ensure_future(asyncio.sleep(30)))
        loops.add(id(asyncio.get_running_loop()))
        left = sum(not task.done() for task in tasks[:-1])
        tasks[-1].cancel() if {{stay}} else None
        return left
    async def closes(n):
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.stop)
        await asyncio.sleep(0)
        return n
    async def items(n):
        for each in range(n):
            await asyncio.sleep({SLEEP_S})
            yield each
    """


def took(counts: dict[str, Any]) -> tuple[float, float]:
    """Nanoseconds a call of legacy and of the candidate."""
    return counts["legacy_ns"] / counts["compared"], counts["candidate_ns"] / counts["compared"]


def test_the_same_async_code_takes_the_same_time_on_both_sides(shadowed: Shadowed) -> None:
    text = ASYNC.replace("{stay}", "True")
    shadowed.write(text, text)
    shadowed.install("decide")
    prices = tuple(float(k * 7 % 97) for k in range(40))

    async def program() -> None:
        for _ in range(300):
            await shadowed.legacy.decide(prices)

    asyncio.run(program())
    counts = shadowed.counts("decide")
    assert (counts["compared"], counts["differed"]) == (300, 0)
    # A loop of its own for each call cost more than a hundred times as much as the call.
    legacy, candidate = took(counts)
    assert candidate < 20 * legacy


@pytest.mark.parametrize(("name", "calls"), [("waits", 1), ("items", 3)])
def test_what_is_awaited_is_time_of_neither_side(shadowed: Shadowed, name: str, calls: int) -> None:
    text = ASYNC.replace("{stay}", "True")
    shadowed.write(text, text)
    shadowed.install(name)

    async def program() -> Any:
        made = getattr(shadowed.legacy, name)(calls)
        return [item async for item in made] if name == "items" else await made

    assert asyncio.run(program()) == (1 if name == "waits" else [0, 1, 2])
    counts = shadowed.counts(name)
    assert (counts["compared"], counts["differed"]) == (1, 0)
    legacy, candidate = took(counts)
    assert 0 < legacy < SLEEP_S * 1e9 / 4
    assert 0 < candidate < SLEEP_S * 1e9 / 4


def test_a_task_that_a_call_leaves_is_ended_before_the_next(shadowed: Shadowed) -> None:
    # Legacy's own ends its task; the candidate's is ended for it, as `asyncio.run` does it.
    shadowed.write(ASYNC.replace("{stay}", "True"), ASYNC.replace("{stay}", "False"))
    shadowed.install("leaves")
    for _ in range(3):
        asyncio.run(shadowed.legacy.leaves(1))
    counts = shadowed.counts("leaves")
    assert (counts["compared"], counts["differed"]) == (3, 0), shadowed.kept("mismatch")


def test_a_candidate_that_stops_its_loop_spoils_no_other_call(shadowed: Shadowed) -> None:
    text = ASYNC.replace("{stay}", "True")
    plain = text.replace("loop.call_soon(loop.stop)", "pass")
    shadowed.write(plain, text)
    shadowed.install("closes", "decide")
    for _ in range(3):
        assert asyncio.run(shadowed.legacy.closes(1)) == 1
        assert asyncio.run(shadowed.legacy.decide((1.0, 2.0))) == 2.0
    counts = shadowed.counts("decide")
    assert (counts["compared"], counts["differed"]) == (3, 0)


def test_awaiting_with_a_clock_is_awaiting_as_await_does() -> None:
    seen: list[str] = []

    async def inner(how: str) -> str:
        try:
            await asyncio.sleep(5 if how == "cancel" else 0.001)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        if how == "fail":
            raise KeyError(how)
        return how

    async def program() -> None:
        clock = [0]
        assert await computing(inner, ("well",), {}, clock) == "well"
        assert 0 < clock[0] < 10**8
        with pytest.raises(KeyError) as caught:
            await computing(inner, ("fail",), {}, clock)
        assert caught.value.__context__ is None
        task = asyncio.ensure_future(_await(inner, clock))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen == ["cancelled"]
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, future.set_result, 7)
        assert await computing(lambda: future, (), {}, clock) == 7

    async def _await(function: Any, clock: list[int]) -> Any:
        return await computing(function, ("cancel",), {}, clock)

    asyncio.run(program())


def test_a_replayed_async_generator_is_timed_without_its_loop() -> None:
    async def count(n: int) -> Any:
        for each in range(n):
            await asyncio.sleep(SLEEP_S)
            yield each

    steps: list[tuple[str, Any, str, Any]] = [("next", None, "yield", each) for each in range(3)]
    steps.append(("next", None, "return", None))
    clock = [0]
    started = perf_counter_ns()
    assert replay.replay(count, (3,), {}, steps, clock)[0] == [0, 1, 2]
    assert perf_counter_ns() - started > 3 * SLEEP_S * 1e9
    assert 0 < clock[0] < SLEEP_S * 1e9, sys.version
