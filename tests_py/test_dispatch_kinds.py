"""Whatever form a unit has, it follows a flip and the flip back, under every name that was bound before."""

from __future__ import annotations

import asyncio
import functools
import inspect
import pickle
import sys
from typing import Any

import exuvia.migrate
import pytest
from exuvia.errors import MigrateError
from sided import CALLS, Desk, current, desk, drained, says

__all__ = ["desk"]


@pytest.mark.parametrize("name", list(CALLS))
def test_every_kind_follows_each_flip_and_its_own_code_comes_back(desk: Desk, name: str) -> None:
    candidate = f"{desk.candidate_name}:closed" if name == "closure" else None
    module = desk.install(name, candidate=candidate)
    call = CALLS[name]
    before = call(module)
    assert says(before, "legacy")
    for mode, side in (
        ("rust", "rust"),
        ("legacy", "legacy"),
        ("shadow", "legacy"),
        ("rust", "rust"),
        ("legacy", "legacy"),
    ):
        desk.flip(name, mode)
        assert says(call(module), side), mode
    assert call(module) == before
    exuvia.migrate.uninstall()
    assert call(module) == before


@pytest.mark.parametrize("name", ["plain", "fetch", "items", "stream", "decorated", "closure", "Book.wait"])
def test_what_inspection_sees_is_the_same_in_every_mode(desk: Desk, name: str) -> None:
    candidate = f"{desk.candidate_name}:closed" if name == "closure" else None
    module = desk.install(name, candidate=candidate)

    def seen() -> Any:
        found = functools.reduce(getattr, name.split("."), module)
        return (
            inspect.signature(found),
            inspect.iscoroutinefunction(found),
            inspect.isgeneratorfunction(found),
            inspect.isasyncgenfunction(found),
            isinstance(found, type(lambda: 0)),
            found.__name__,
            found.__qualname__,
            found.__module__,
            id(found),
            name in ("closure", "concealed") or pickle.loads(pickle.dumps(found)) is found,
        )

    before = seen()
    for mode in ("shadow", "rust", "legacy"):
        desk.flip(name, mode)
        assert seen() == before


def test_bound_methods_callbacks_and_objects_from_before_follow(desk: Desk) -> None:
    module = desk.install("Book.method")
    book, child = module.Book(), module.Child()
    held = {"bound": book.method, "of child": child.method, "partial": functools.partial(book.method, 1)}
    for mode, side in (("rust", "rust"), ("legacy", "legacy"), ("rust", "rust")):
        desk.flip("Book.method", mode)
        assert all(says(held[key](1), side) for key in ("bound", "of child"))
        assert says(held["partial"](), side)
        assert says(child.method(2), side)
    assert isinstance(child, module.Book)


def test_a_property_is_written_through_the_candidate_too(desk: Desk) -> None:
    module = desk.install("Book.last", mode="rust")
    book = module.Book()
    book.last = 3
    assert (book.last, book.seen) == ("rust", ("rust", 3))
    desk.flip("Book.last", "legacy")
    book.last = 4
    assert (book.last, book.seen) == ("legacy", ("legacy", 4))


def test_a_generator_takes_what_is_sent_thrown_and_closed(desk: Desk) -> None:
    module = desk.install("items", "stream", mode="rust")
    running = module.items(3)
    assert next(running) == ("rust", 0)
    assert running.send("x") == ("got", "x")
    with pytest.raises(LookupError):
        running.throw(LookupError("theirs"))
    closed = module.items(3)
    next(closed)
    closed.close()
    assert list(closed) == []

    async def drive() -> None:
        stream = module.stream(3)
        assert await anext(stream) == ("rust", 0)
        assert await stream.asend("y") == ("got", "y")
        assert await anext(stream) == ("rust", 1)
        assert await stream.athrow(KeyError("k")) == ("caught", 1)
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        with pytest.raises(LookupError):
            broken = module.stream(2)
            await anext(broken)
            await broken.athrow(LookupError("theirs"))

    asyncio.run(drive())
    assert all(state.counts["fallbacks"] == 0 for state in exuvia.migrate.status())


@pytest.mark.parametrize(
    ("name", "candidate", "call", "expected"),
    [
        ("fetch", "fetch_fails", lambda m: asyncio.run(m.fetch(1)), ("legacy", 1, 2)),
        ("items", "items_fail", lambda m: list(m.items(4)), [("legacy", n) for n in range(4)]),
        ("stream", "stream_fails", lambda m: asyncio.run(drained(m.stream(3))), [("legacy", n) for n in range(3)]),
    ],
)
def test_legacy_takes_over_where_the_candidates_body_raises(
    desk: Desk, name: str, candidate: str, call: Any, expected: Any
) -> None:
    module = desk.install(name, mode="rust", candidate=f"{desk.candidate_name}:{candidate}")
    assert call(module) == expected
    switch = current().units[f"{desk.legacy_name}:{name}"].switch
    assert switch.counts()["fallbacks"] == 1


def test_without_fallback_the_candidates_error_is_raised(desk: Desk) -> None:
    module = desk.install("fetch", mode="rust", candidate=f"{desk.candidate_name}:fetch_fails", more="fallback = false")
    with pytest.raises(ValueError, match="candidate"):
        asyncio.run(module.fetch(1))


def test_a_cancelled_task_is_the_callers_affair(desk: Desk) -> None:
    module = desk.install("fetch", mode="rust")

    async def forever(*_args: Any, **_kwargs: Any) -> None:
        await asyncio.sleep(60)

    exuvia.migrate.uninstall()
    sys.modules[desk.candidate_name].fetch = forever
    desk.install("fetch", mode="rust")

    async def drive() -> None:
        task = asyncio.ensure_future(module.fetch(1))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(drive())
    assert current().units[f"{desk.legacy_name}:fetch"].switch.counts()["fallbacks"] == 0


def test_two_sides_of_different_kinds_are_refused(desk: Desk) -> None:
    with pytest.raises(MigrateError, match=r"exuvia.toml:3: unit .*fetch' is an async function.* is a plain function"):
        desk.install("fetch", candidate=f"{desk.candidate_name}:plain")
