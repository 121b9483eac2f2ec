"""Legacy's own code for a shim: what a scaffolded shim calls until its body is written in Rust.

The function in the legacy module may be spliced, and would then call the shim again.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from exuvia.migrate.dispatch.splice import legacy_copy

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["original"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def original(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return a function over the code that a legacy function has now; import the shim before a flip.

    >>> def double(n: int) -> int: return n * 2
    >>> original(double)(4), original(double) is double
    (8, False)

    Args:
        function: A function of the legacy module. What is no Python function is returned as it is.
    """
    if isinstance(function, types.FunctionType):
        return legacy_copy(function)
    return function
