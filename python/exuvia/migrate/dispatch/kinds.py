"""The four kinds of functions: plain, generator, async function, async generator; and how each is driven.

A trampoline has the kind of the function whose place it takes. The mode is read when the body starts to run.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from types import CodeType

    from exuvia._exuvia import Switch

__all__ = ["NAMES", "Relay", "Rescue", "guarded", "kind_of"]

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
        if isinstance(error, GeneratorExit):
            close = getattr(self.stream, "aclose", None)
            if close is not None:
                await close()
            raise error
        try:
            if error is not None:
                throw = getattr(self.stream, "athrow", None)
                if throw is None:
                    raise error
                self.item = await throw(error)
            elif sent is not None:
                self.item = await self.stream.asend(sent)
            else:
                self.item = await self.stream.__anext__()
        except StopAsyncIteration:
            return False
        return True


def guarded(kind: str, candidate: Callable[..., Any], legacy: Callable[..., Any], rescue: Rescue) -> Callable[..., Any]:  # noqa: PLR0915 - one wrapper for each kind of function
    """Return the candidate of a pure unit such that legacy takes over when its body raises.

    A generator's items that the caller has are not repeated, which takes that nothing was sent into it.

    Args:
        kind: As `kind_of` returns it; plain functions are guarded by the switch itself.
        candidate: The candidate's side.
        legacy: Legacy's side.
        rescue: Counts what was rescued.
    """
    if kind == COROUTINE:

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            try:
                return await candidate(*args, **kwargs)
            except Exception as error:
                failed = error
            with rescue.counting(failed):
                return await legacy(*args, **kwargs)

        return awaited
    if kind == GENERATOR:

        def iterated(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            given, steered = 0, False
            failed: Exception | None = None
            try:
                items: Any = iter(candidate(*args, **kwargs))
                item = next(items)
                while True:
                    given += 1
                    try:
                        sent = yield item
                    except GeneratorExit:
                        getattr(items, "close", _nothing)()
                        raise
                    except BaseException as thrown:
                        steered = True
                        if not hasattr(items, "throw"):
                            raise
                        item = items.throw(thrown)
                    else:
                        steered = steered or sent is not None
                        item = next(items) if sent is None else items.send(sent)
            except StopIteration as end:
                return end.value
            except Exception as error:
                if steered:
                    raise
                failed = error
            with rescue.counting(failed):
                rest = legacy(*args, **kwargs)
                for _ in range(given):
                    next(rest, None)
                return (yield from rest)

        return iterated
    if kind == STREAM:

        async def streamed(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            given, steered = 0, False
            failed: Exception | None = None
            relay: Relay | None = None
            try:
                relay = Relay(candidate(*args, **kwargs))
                while await relay.step():
                    given += 1
                    try:
                        relay.sent = yield relay.item
                        steered = steered or relay.sent is not None
                    except BaseException as thrown:
                        steered, relay.error = True, thrown
            except Exception as error:
                if steered:
                    raise
                failed = error
            if failed is None:
                return
            with rescue.counting(failed):
                number = 0
                async for item in legacy(*args, **kwargs):
                    number += 1
                    if number > given:
                        yield item

        return streamed
    return candidate


def _nothing() -> None: ...


class Rescue:
    """Counts, on a unit's switch, the calls that legacy answered for its candidate."""

    def __init__(self) -> None:
        self.switch: Switch | None = None

    def counting(self, error: Exception | None) -> _Counting:
        """Count one call while legacy answers it.

        Args:
            error: What the candidate raised.
        """
        return _Counting(self.switch, error)


class _Counting:
    def __init__(self, switch: Switch | None, error: Exception | None) -> None:
        self.switch, self.error = switch, error

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.switch is not None and self.error is not None:
            name = type(self.error).__name__
            # A generator that its caller left early had nothing to say against legacy's answer.
            answered = kind is None or kind is GeneratorExit
            self.switch.rescued(
                f"{name}: {self.error}"[:300],
                answered=answered,
                same=kind is type(self.error),
                panicked=name.startswith("Panic"),
            )
        self.error = None
