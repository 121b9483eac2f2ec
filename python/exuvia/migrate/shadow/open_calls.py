"""Async and generator methods of objects that are followed: calls that go on over several steps.

The twin gets such a call whole, at its end. So no other call may come in the middle of it: one from inside of it is
part of it, any other (of another task, or of the loop that takes a generator's items) leaves the twin out of step.
"""

from __future__ import annotations

import functools
import inspect
import types
from typing import TYPE_CHECKING, Any

from exuvia.migrate.own import threading
from exuvia.migrate.shadow import protocol
from exuvia.migrate.shadow.containment import HERE
from exuvia.migrate.shadow.following import OUTER
from exuvia.migrate.shadow.packing import pack_raised
from exuvia.migrate.shadow.sampling import packed, packed_raised
from exuvia.migrate.shadow.tape import Tape, named_like
from exuvia.migrate.shadow.unseen_importlib_bootstrap import computing, drive, drive_async

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from exuvia.migrate.shadow.following import Called, Following, Mark

__all__ = ["open_method"]


def open_method(
    following: Following, kind: str, name: str, function: Callable[..., Any], mark_of: Callable[[Any], Mark | None]
) -> Callable[..., Any]:
    """Make what serves an async method, a generator or an async generator of objects that are followed.

    Args:
        following: Who follows them.
        kind: `async`, `generator` or `async generator`.
        name: The method.
        function: What serves, not bound.
        mark_of: Returns the mark of an object of which this call is observed.
    """
    if kind == "async":

        @functools.wraps(function)
        async def awaited(self_: Any, *args: Any, **kwargs: Any) -> Any:
            mark = mark_of(self_)
            if mark is None:
                return await function(self_, *args, **kwargs)
            call = protocol.METHOD, name, mark, functools.partial(function, self_), self_
            return await _awaited(following, call, args, kwargs)

        return awaited
    lazy = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
    driver: Callable[..., Any] = drive if kind == "generator" else drive_async

    @functools.wraps(function)
    def generating(self_: Any, *args: Any, **kwargs: Any) -> Any:
        mark = mark_of(self_)
        if mark is None:
            return function(self_, *args, **kwargs)
        if not lazy:
            # Something of its own kind: what would stand in its place could not do what it does.
            mark.stale = True
            following.record.lost(f"{name}: it returns no generator of Python, so its steps cannot be followed")
            return function(self_, *args, **kwargs)
        call = protocol.TAPE, name, mark, functools.partial(function, self_), self_
        return named_like(driver(lambda: _begun(following, call, args, kwargs)), function)

    return generating


async def _awaited(following: Following, call: Called, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    _, name, mark, own, owner = call
    lane = following.lane
    opened = following.opened(call, args, kwargs)
    if opened is None:
        return await _inside(own(*args, **kwargs), mark)
    clock = [0]
    try:
        result = await computing(lambda: _inside(own(*args, **kwargs), mark), (), {}, clock)
    except BaseException as error:
        if not isinstance(error, Exception):
            following.record.lost(f"{name}: it was cancelled, or the program ended, before its end")
        HERE.observing = True
        try:
            following.closed(call, opened, (packed_raised(lane, error), True, clock[0]))
        finally:
            HERE.observing = False
        raise
    HERE.observing = True
    try:
        outcome = packed(lane, "(the object itself)" if result is owner else result, "the result")
        following.closed(call, opened, (outcome, False, clock[0]))
    finally:
        HERE.observing = False
    return result


def _begun(
    following: Following, call: Called, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Tape, Callable[[], None]]:
    _, _, mark, own, _ = call
    opened = following.opened(call, args, kwargs) if following.observes(mark) else None
    packs = following.lane.packs
    tape = Tape(packs, lambda error: pack_raised(error, packs))
    tape.full = opened is None

    def end() -> None:
        if opened is None:
            return
        if tape.trouble:
            following.record.lost(tape.trouble)
        following.closed(call, opened, (None if tape.trouble or not tape.steps else tape.steps, False, tape.took))
        if tape.full or tape.going:
            # It went on after the last step that was noted, or was broken off in one.
            mark.stale = True

    return _Inside(own(*args, **kwargs), mark), tape, end


class _Inside:
    """A generator whose steps are the object's own: calls on the object from inside of it are part of it.

    Args:
        made: The generator.
        mark: The object's mark.
    """

    def __init__(self, made: Any, mark: Mark) -> None:
        self.made, self.mark = made, mark

    def _step(self, step: Callable[..., Any], *given: Any) -> Any:
        me = threading.get_ident()
        held, self.mark.owner = self.mark.owner, me
        try:
            return step(*given)
        finally:
            self.mark.owner = held

    def send(self, value: Any) -> Any:
        return self._step(self.made.send, value)

    def throw(self, error: BaseException) -> Any:
        return self._step(self.made.throw, error)

    def close(self) -> None:
        self._step(self.made.close)

    def asend(self, value: Any) -> Any:
        return _inside(self.made.asend(value), self.mark)

    def athrow(self, error: BaseException) -> Any:
        return _inside(self.made.athrow(error), self.mark)

    def aclose(self) -> Any:
        return _inside(self.made.aclose(), self.mark)


@types.coroutine
def _inside(awaitable: Any, mark: Mark) -> Generator[Any, Any, Any]:
    """Await as `await` does; while it runs, and only then, calls on the object are part of it."""
    steps = _Inside(awaitable.__await__(), mark)
    given: Any = None
    error: BaseException | None = None
    while True:
        try:
            item = steps.send(given) if error is None else steps.throw(error)
        except StopIteration as stop:
            return stop.value
        finally:
            error = None
        try:
            given = yield item
        except GeneratorExit:
            steps.close()
            raise
        except BaseException as thrown:
            given, error = None, thrown


OUTER.add(_Inside._step.__code__)
