"""The four kinds of functions: plain, generator, async function, async generator; and how each is driven.

A trampoline has the kind of the function whose place it takes. The mode is read when the body starts to run.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

from exuvia.migrate.dispatch.interrupts import by_signal
from exuvia.migrate.dispatch.rescue import is_candidates

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping
    from types import CodeType

    from exuvia.migrate.dispatch.rescue import Rescue

__all__ = ["NAMES", "Relay", "guarded", "kind_of", "unhooked"]

PLAIN, GENERATOR, COROUTINE, STREAM = "plain", "generator", "coroutine", "stream"
NAMES = {
    PLAIN: "a plain function",
    GENERATOR: "a generator",
    COROUTINE: "an async function",
    STREAM: "an async generator",
}


def kind_of(code: CodeType) -> str:
    """Return the kind of a function by its code.

    >>> async def fetch(): ...
    >>> kind_of(fetch.__code__)
    'coroutine'

    Args:
        code: Its code.
    """
    flags = code.co_flags
    if flags & inspect.CO_ASYNC_GENERATOR:
        return STREAM
    if flags & inspect.CO_COROUTINE:
        return COROUTINE
    return GENERATOR if flags & inspect.CO_GENERATOR else PLAIN


class Relay:
    """Drives an async generator from another one, which only yields: `send`, `throw` and `close` go through.

    Args:
        stream: The async generator, or anything with `__aiter__`.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream if hasattr(stream, "__anext__") else stream.__aiter__()
        self.begun = False
        self.item: Any = None
        self.sent: Any = None
        self.error: BaseException | None = None

    def caught(self) -> None:
        """Keep what was thrown into the outer generator for the next step."""
        self.error = sys.exc_info()[1]

    async def step(self) -> bool:
        """Advance the inner generator; returns whether it yielded."""
        error, self.error = self.error, None
        sent, self.sent = self.sent, None
        try:
            if error is not None:
                throw = getattr(self.stream, "athrow", None)
                if throw is None:
                    raise error
                self.item = await throw(error)
            elif sent is not None:
                self.item = await self.stream.asend(sent)
            elif self.begun:
                self.item = await self.stream.__anext__()
            else:
                self.begun = True
                self.item = await unhooked(self.stream.__anext__)
        except StopAsyncIteration:
            return False
        return True


def unhooked(step: Callable[..., Any], *given: Any) -> Any:
    """Make the first step of an async generator of which the event loop is not to hear.

    Only the outermost of a chain may be known to the loop: as it ends it closes all that it knows at once, and who is
    in the middle of being closed by its own caller cannot be closed by the loop too.

    Args:
        step: Its `__anext__`, `asend` or `athrow`.
        given: What it is called with.
    """
    first, last = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return step(*given)
    finally:
        sys.set_asyncgen_hooks(first, last)


def guarded(kind: str, candidate: Callable[..., Any], legacy: Callable[..., Any], rescue: Rescue) -> Callable[..., Any]:  # noqa: PLR0915 - one wrapper for each kind of function
    """Return the candidate of a pure unit such that legacy takes over when its body raises, if it may.

    It may where nothing that the candidate was given can have been changed by it. A generator's items that the
    caller has are not repeated, which takes that nothing was sent into it.

    Args:
        kind: As `kind_of` returns it; plain functions are guarded by the switch itself.
        candidate: The candidate's side.
        legacy: Legacy's side.
        rescue: Decides, and counts what was rescued.
    """
    if kind == COROUTINE:

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            try:
                return await candidate(*args, **kwargs)
            except BaseException as error:
                if not rescue.allowed(legacy, (args, kwargs), error):
                    raise
                counting = rescue.counting(error, (args, kwargs))
            with counting:
                return await legacy(*args, **kwargs)

        return awaited
    if kind == GENERATOR:

        def iterated(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            given, steered = 0, False
            threw: BaseException | None = None
            try:
                items: Any = iter(candidate(*args, **kwargs))
                item = next(items)
                while True:
                    given += 1
                    try:
                        sent = yield item
                    except BaseException as thrown:
                        steered, threw = True, thrown
                        if not hasattr(items, "throw"):
                            if isinstance(thrown, GeneratorExit):
                                getattr(items, "close", _nothing)()
                            raise
                        item = items.throw(thrown)
                    else:
                        steered = steered or sent is not None
                        item = next(items) if sent is None else items.send(sent)
            except StopIteration as end:
                return end.value
            except BaseException as error:
                if not _may(rescue, legacy, (args, kwargs), error, (steered, threw)):
                    raise
                counting = rescue.counting(error, (args, kwargs))
            with counting:
                rest = legacy(*args, **kwargs)
                for _ in range(given):
                    next(rest, None)
                return (yield from rest)

        return iterated
    if kind == STREAM:

        async def streamed(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            given, steered = 0, False
            threw: BaseException | None = None
            try:
                relay = Relay(candidate(*args, **kwargs))
                while await relay.step():
                    given += 1
                    try:
                        relay.sent = yield relay.item
                        steered = steered or relay.sent is not None
                    except BaseException as thrown:
                        steered, threw, relay.error = True, thrown, thrown
            except BaseException as error:
                if not _may(rescue, legacy, (args, kwargs), error, (steered, threw)):
                    raise
                counting = rescue.counting(error, (args, kwargs))
            else:
                return
            with counting:
                number, rest = 0, Relay(legacy(*args, **kwargs))
                while await rest.step():
                    number += 1
                    if number > given:
                        try:
                            rest.sent = yield rest.item
                        except BaseException as thrown:
                            rest.error = thrown

        return streamed
    return candidate


def _may(
    rescue: Rescue,
    legacy: Callable[..., Any],
    call: tuple[tuple[Any, ...], Mapping[str, Any]],
    error: BaseException,
    steering: tuple[bool, BaseException | None],
) -> bool:
    """Whether legacy may go on where a candidate's generator raised: not if its caller has sent or thrown something."""
    steered, threw = steering
    if threw is not None and (error is threw or error.__context__ is threw):
        # What the caller threw in came out again.
        return False
    if not steered:
        return rescue.allowed(legacy, call, error)
    if is_candidates(error) and not by_signal(error):
        rescue.refused(error, "its caller has sent something into the generator")
    return False


def _nothing() -> None: ...
