"""What a program reads of a function to learn how it is called, shown by what stands for that function too.

Frameworks look at `cls.__init__.__code__.co_varnames` to know what to pass. A dispatcher has no code of its own, so it
shows that of the function that it wraps. It does so as a function does, by its type: what stands in the `__dict__`
goes with every `functools.update_wrapper`, and code can be neither pickled nor copied.
"""

from __future__ import annotations

import functools
import types
from typing import Any

from exuvia.migrate.dispatch import lives

__all__ = ["as_function", "shown"]


def shown(stand_in: Any, name: str) -> Any:
    """Return an attribute of the function that a dispatcher stands for; its type asks for each that tells of code.

    Args:
        stand_in: The dispatcher.
        name: The attribute's name.

    Raises:
        AttributeError: If it stands for nothing that is written in Python.
    """
    function = vars(stand_in).get("__wrapped__")
    if isinstance(function, types.FunctionType) and function.__globals__ is vars(lives):
        # What counts the objects of a class stands around its own `__init__`.
        function = vars(function).get("__wrapped__")
    if isinstance(function, types.FunctionType):
        return getattr(function, name)
    raise AttributeError(f"{type(stand_in).__name__!r} object has no attribute {name!r}")


def as_function(stand_in: Any, function: Any) -> None:
    """Let a dispatcher show name, code and defaults of the function that it stands for.

    >>> from exuvia._exuvia import Switch
    >>> def price(rows, side="Buy"): ...
    >>> made = Switch(price, price, price).callable
    >>> as_function(made, price)
    >>> made.__code__.co_varnames, made.__defaults__, "__code__" in vars(made)
    (('rows', 'side'), ('Buy',), False)

    Args:
        stand_in: The dispatcher, which has a `__dict__`.
        function: What it stands for; one that is not written in Python has no code to show.
    """
    functools.update_wrapper(stand_in, function)
