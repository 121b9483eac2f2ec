"""What a call gives in the end: what it returns, what it is awaited for, or the items that it yields."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import detached_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["MOST", "Came", "called"]

MOST = 10_000
"""Items that are drawn of a generator: one that never ends is compared as far as this."""


@dataclass(slots=True)
class Came:
    """What came of a call.

    Attributes:
        kind: `plain`, `async`, `generator` or `async generator`, as a caller has to know it.
        value: What was returned; the items, as they were when they came.
        end: What a generator returned and raised in the end, `None` where it was cut.
    """

    kind: str
    value: Any = None
    end: tuple[Any, BaseException | None] | None = None


def called(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], like: str = "") -> Came:
    """Call, and see it through: await what is to be awaited, draw what yields.

    >>> def squares(n):
    ...     yield from (k * k for k in range(n))
    ...     return "done"
    >>> came = called(squares, (3,), {})
    >>> came.kind, came.value, came.end
    ('generator', [0, 1, 4], ('done', None))

    Args:
        function: What is called.
        args: Positional arguments.
        kwargs: Keyword arguments.
        like: The kind of the other side: for a generator's any iterator does.

    Raises:
        BaseException: What the call raises; what a generator raises after it was made is its end.
    """
    came = function(*args, **kwargs)
    if hasattr(type(came), "__anext__"):
        drawn: Came = _run(_draw_async(came))
        return drawn
    if inspect.isgenerator(came) or (like == "generator" and hasattr(type(came), "__next__")):
        return _draw(came)
    if hasattr(type(came), "__await__") or inspect.iscoroutine(came):
        return Came("async", _run(_awaited(came)))
    return Came("plain", came)


def _draw(items: Any) -> Came:
    made = Came("generator", [])
    try:
        while len(made.value) < MOST:
            made.value.append(detached_copy(next(items))[0])
    except StopIteration as stop:
        made.end = (stop.value, None)
    except Exception as error:
        made.end = (None, error)
    return made


async def _draw_async(items: Any) -> Came:
    made = Came("async generator", [])
    try:
        while len(made.value) < MOST:
            made.value.append(detached_copy(await anext(items))[0])
    except StopAsyncIteration:
        made.end = (None, None)
    except Exception as error:
        made.end = (None, error)
    return made


async def _awaited(came: Any) -> Any:
    return await came


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end in a loop of its own: in another thread where the caller's has one that runs."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(contextvars.copy_context().run, asyncio.run, coroutine).result()
