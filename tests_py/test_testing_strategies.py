"""What `assert_equivalent` and its strategies do at their edges: making objects, ends, interrupts, odd annotations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from exuvia.errors import ConfigError
from exuvia.testing import assert_equivalent, inferred
from exuvia.testing.strategies import _changed


def drawn(strategy: Any, most: int = 30) -> list[Any]:
    """Some of what a strategy makes up."""
    hypothesis = pytest.importorskip("hypothesis")
    found: list[Any] = []

    def take(value: Any) -> None:
        found.append(value)

    settings = hypothesis.settings(
        max_examples=most, database=None, deadline=None, phases=[hypothesis.Phase.generate], derandomize=True
    )
    settings(hypothesis.given(strategy)(take))()
    return found


def test_a_tuple_of_any_length_is_made_up_as_a_tuple_of_any_length() -> None:
    def total(prices: tuple[float, ...]) -> float:
        return sum(prices)

    made = [args[0] for args, _ in drawn(inferred(total, (1.0, 2.0)))]
    assert {type(prices) for prices in made} == {tuple}
    assert len({len(prices) for prices in made}) > 1
    assert all(1.0 <= price <= 2.0 for prices in made for price in prices)


def test_arguments_of_any_number_are_not_made_up() -> None:
    def total(first: int, *more: int, by: bool, **options: int) -> int:
        return first

    made = drawn(inferred(total))
    assert {(len(args), *kwargs) for args, kwargs in made} == {(1, "by")}


def test_an_annotation_that_leads_nowhere_is_named() -> None:
    def priced(order: object) -> object:
        return order

    priced.__annotations__ = {"order": "NoSuchOrder"}
    with pytest.raises(ConfigError, match=r"priced: its annotations cannot be resolved \(name 'NoSuchOrder'"):
        inferred(priced)


def test_a_recorded_value_is_changed_near_its_top_and_kept_where_it_is_nested_deepest() -> None:
    strategies = pytest.importorskip("hypothesis").strategies
    deep: Any = 5
    for _ in range(9):
        deep = [deep]

    def changed(draw: Any) -> Any:
        return _changed([5, deep], draw, strategies)

    made = drawn(strategies.composite(changed)(), 200)
    assert all(value[1] == deep for value in made)
    assert len({value[0] for value in made}) > 1


class Book:
    def __init__(self, depth: int) -> None:
        if depth < 0:
            raise ValueError(f"depth {depth}")
        self.depth = depth

    def best(self, n: int) -> int:
        return self.depth + n


class Lenient(Book):
    def __init__(self, depth: int) -> None:
        super().__init__(abs(depth))


def test_classes_that_refuse_the_same_are_equal_and_one_that_accepts_more_is_not() -> None:
    assert assert_equivalent(Book, Book, examples=60) == 60
    with pytest.raises(AssertionError, match=r"the two sides differ for \(-1\)\n .* ValueError"):
        assert_equivalent(Book, Lenient, examples=200)


def test_an_interrupt_while_a_side_runs_is_the_users() -> None:
    def interrupted(_: int) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        assert_equivalent(interrupted, abs, [(1,)])


def test_how_an_async_generator_ends_is_compared() -> None:
    async def ticks(n: int) -> AsyncIterator[int]:
        yield n
        raise ValueError(n)

    async def ends(n: int) -> AsyncIterator[int]:
        yield n

    async def otherwise(n: int) -> AsyncIterator[int]:
        yield n
        raise KeyError(n)

    assert assert_equivalent(ticks, ticks, [(1,)]) == 1
    for candidate in (ends, otherwise):
        with pytest.raises(AssertionError, match="legacy ValueError"):
            assert_equivalent(ticks, candidate, [(1,)])
