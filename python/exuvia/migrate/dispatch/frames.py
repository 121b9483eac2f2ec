"""What a function sees of the frames above it, and what a trampoline changes of that: one frame more a call.

`stacklevel` of `warnings` and `logging` passes over the trampoline's. A function that counts frames by itself does not.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["calls_itself", "codes", "looks_at_callers", "notes"]

_LOOKS = frozenset((
    "_getframe", "_getframemodulename", "currentframe", "extract_stack", "f_back", "format_stack", "getouterframes",
    "print_stack", "walk_stack",
))  # fmt: skip


def looks_at_callers(function: Any) -> list[str]:
    """Return by which names a function, or what is defined inside of it, looks at the frames that called it.

    >>> import sys
    >>> looks_at_callers(lambda: sys._getframe(1).f_code), looks_at_callers(len)
    (['_getframe'], [])

    Args:
        function: Any callable; of one without code of Python nothing is known.
    """
    return _looks(codes(function))


def _looks(held: Iterable[types.CodeType]) -> list[str]:
    found: set[str] = set()
    for code in held:
        found |= _LOOKS.intersection(code.co_names)
        if "inspect" in code.co_names and "stack" in code.co_names:
            found.add("inspect.stack")
    return sorted(found)


def calls_itself(function: Any) -> bool:
    """Say whether a function mentions its own name, as one does that calls itself.

    >>> def down(n): return n and down(n - 1)
    >>> calls_itself(down), calls_itself(looks_at_callers)
    (True, False)

    Args:
        function: Any callable.
    """
    return _mentions(codes(function), getattr(function, "__name__", ""))


def _mentions(held: Iterable[types.CodeType], name: str) -> bool:
    return any(name in code.co_names or name in code.co_freevars for code in held)


def notes(function: Any) -> list[str]:
    """Return what status says of a function below a trampoline.

    Args:
        function: The function.
    """
    found, held = [], list(codes(function))
    names = _looks(held)
    if names:
        found.append(f"it looks at its callers ({', '.join(names)}): outside of legacy it sees a frame of exuvia there")
    if _mentions(held, getattr(function, "__name__", "")):
        found.append(
            "it calls itself: outside of legacy each call takes two frames, so sys.getrecursionlimit() ends it at half "
            "the depth; name the function that calls it first, or raise the limit"
        )
    return found


def codes(function: Any) -> Iterator[types.CodeType]:
    """Yield the code of a function and of what is defined inside of it.

    Args:
        function: Any callable; of one without code of Python there is none.
    """
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    waiting = [code] if isinstance(code, types.CodeType) else []
    while waiting:
        code = waiting.pop()
        yield code
        waiting += [held for held in code.co_consts if isinstance(held, types.CodeType)]
