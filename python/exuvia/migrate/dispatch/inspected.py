"""What a program reads of a function to learn how it is called, shown by what stands for that function too.

Frameworks look at `cls.__init__.__code__.co_varnames` to know what to pass. A dispatcher has no code of its own, so it
shows that of the function that it serves, as it shows its name and signature.
"""

from __future__ import annotations

import types
from typing import Any

__all__ = ["as_function"]

READ = ("__code__", "__defaults__", "__kwdefaults__", "__closure__", "__globals__")


def as_function(stand_in: Any, function: Any) -> None:
    """Let a dispatcher show the code and the defaults of the function that it stands for.

    >>> from exuvia._exuvia import Switch
    >>> def price(rows, side="Buy"): ...
    >>> made = Switch(price, price, price).callable
    >>> as_function(made, price)
    >>> made.__code__.co_varnames, made.__defaults__
    (('rows', 'side'), ('Buy',))

    Args:
        stand_in: The dispatcher, which has a `__dict__`.
        function: What it stands for; nothing is done for one that is not written in Python.
    """
    if isinstance(function, types.FunctionType):
        vars(stand_in).update({name: getattr(function, name) for name in READ})
