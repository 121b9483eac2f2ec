"""`assert_equivalent` on async functions and generators: what they give is compared, not that they were made."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import pytest
from exuvia.testing import assert_equivalent


async def doubled(x: int) -> int:
    await asyncio.sleep(0)
    return x * 2


def counting(n: int) -> Iterator[int]:
    yield from range(abs(n) % 5)
    if n % 7 == 3:
        raise ValueError(n)


async def ticking(n: int) -> AsyncIterator[int]:
    for k in range(abs(n) % 5):
        yield k


def test_async_functions_and_generators_are_seen_through_to_their_end() -> None:
    for side in (doubled, counting, ticking):
        assert assert_equivalent(side, side, examples=60) == 60


def test_what_is_awaited_or_yielded_otherwise_is_found() -> None:
    async def wrong(x: int) -> int:
        return x * 2 if x < 10 else 0

    def short(n: int) -> Iterator[int]:
        yield from range(min(abs(n) % 5, 3))
        if n % 7 == 3:
            raise ValueError(n)

    def silent(n: int) -> Iterator[int]:
        yield from range(abs(n) % 5)

    async def early(n: int) -> AsyncIterator[int]:
        for k in range(abs(n) % 5):
            yield k + (k == 2)

    for legacy, candidate in ((doubled, wrong), (counting, short), (counting, silent), (ticking, early)):
        with pytest.raises(AssertionError, match="the two sides differ for"):
            assert_equivalent(legacy, candidate, [(n,) for n in range(40)])


def test_one_side_that_is_to_be_awaited_is_a_difference() -> None:
    with pytest.raises(AssertionError, match="legacy's call is to be awaited, the candidate's plain"):
        assert_equivalent(doubled, lambda x: x * 2, [(1,)])
    with pytest.raises(AssertionError, match="legacy's call is a generator, the candidate's plain"):
        assert_equivalent(counting, lambda n: list(counting(n)), [(1,)])
    assert assert_equivalent(counting, lambda n: iter(range(abs(n) % 5)), [(1,), (2,)]) == 2


def test_async_sides_are_compared_inside_of_a_running_loop_too() -> None:
    async def wrong(x: int) -> int:
        return x

    async def inside() -> None:
        assert assert_equivalent(doubled, doubled, [(1,), (2,)]) == 2
        with pytest.raises(AssertionError, match="candidate 1"):
            assert_equivalent(doubled, wrong, [(1,)])

    asyncio.run(inside())


def test_a_generator_that_never_ends_is_compared_as_far_as_it_is_drawn() -> None:
    def endless(n: int) -> Iterator[int]:
        yield from itertools.count(n)

    assert assert_equivalent(endless, endless, [(1,)]) == 1
