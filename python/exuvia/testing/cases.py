"""A case: the arguments of one call, as `assert_equivalent` is given them, and whether legacy can be called with them.

A tuple of arguments, or a pair of such a tuple and keywords. A tuple and a dictionary are a pair, unless legacy's
annotations say that its own first arguments are such values: then what fits its signature is meant, and where both do
it is an error that says how to write each.
"""

from __future__ import annotations

import collections.abc
import inspect
import typing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Case", "Pair", "Reader"]

Case = tuple[tuple[Any, ...], dict[str, Any]]


class Pair(tuple[Any, ...]):
    """Arguments and keywords, and never two arguments: what is made up and what was recorded.

    >>> Pair(((1,), {})) == ((1,), {})
    True
    """

    __slots__ = ()


class Reader:
    """Reads cases for one function or class.

    Args:
        legacy: What is called with them.
    """

    def __init__(self, legacy: Callable[..., Any]) -> None:
        self._name = str(getattr(legacy, "__qualname__", None) or repr(legacy))
        self._signature: inspect.Signature | None = None
        try:
            self._signature = inspect.signature(legacy)
        except (TypeError, ValueError):
            # Compiled code may have none: then its own errors tell.
            return
        try:
            self._hints = typing.get_type_hints(legacy)
        except Exception:
            self._hints = {}

    def read(self, case: Any, number: int = 0) -> Case:
        """Return the arguments and keywords of a case.

        Args:
            case: The case.
            number: Which one it is, from 1; 0 if it was made up.

        Raises:
            TypeError: If it is none, if legacy cannot be called with it, or if it may be meant as either form.
        """
        which = f"case {number}" if number else "the case"
        if not isinstance(case, tuple):
            raise TypeError(
                f"a case is a tuple of arguments, or (arguments, keywords), not {type(case).__name__}: {case!r}"
            )
        plain: Case = (tuple(case), {})
        if not (len(case) == 2 and isinstance(case[0], tuple) and isinstance(case[1], dict)):
            wrong = self._wrong(plain)
            if wrong:
                raise TypeError(f"{which} does not fit {self._name}{self._signature}: {wrong}: {case!r}")
            return plain
        pair: Case = (case[0], case[1])
        wrong = self._wrong(pair)
        if isinstance(case, Pair) or not self._takes_both() or self._is_two(pair):
            if wrong:
                raise TypeError(
                    f"{which} does not fit {self._name}{self._signature}: {wrong}: {case!r}; a tuple and a dictionary "
                    f"are arguments and keywords: for two arguments write ({case!r}, {{}})"
                )
            return pair
        if self._wrong(plain):
            if wrong:
                raise TypeError(f"{which} does not fit {self._name}{self._signature}: {wrong}: {case!r}")
            return pair
        if wrong:
            return plain
        raise TypeError(
            f"{which} may be meant as arguments and keywords, or as two arguments of {self._name}"
            f"{self._signature}: write (arguments, keywords), as ({case!r}, {{}}) for two arguments: {case!r}"
        )

    @staticmethod
    def _is_two(pair: Case) -> bool:
        """Whether it is how two arguments are written that would be a pair by themselves."""
        args, kwargs = pair
        return not kwargs and len(args) == 2 and isinstance(args[0], tuple) and isinstance(args[1], dict)

    def _wrong(self, case: Case) -> str:
        """Why legacy cannot be called so; empty if it can."""
        if self._signature is None:
            return ""
        try:
            self._signature.bind(*case[0], **case[1])
        except TypeError as error:
            return str(error)
        return ""

    def _takes_both(self) -> bool:
        """Whether legacy's own first argument is said to be a tuple, or its second one a dictionary."""
        names = list(self._signature.parameters)[:2] if self._signature is not None else []
        kinds = [self._hints.get(name) for name in names]
        origins = [typing.get_origin(kind) or kind for kind in kinds]
        wanted = (tuple, collections.abc.Sequence), (dict, collections.abc.Mapping, collections.abc.MutableMapping)
        return any(origin in kinds for origin, kinds in zip(origins, wanted, strict=False))
