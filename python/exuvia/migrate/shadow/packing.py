"""Calls as bytes: what the caller's side pickles, and what the worker makes of it again."""

from __future__ import annotations

import re
import sys
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from exuvia.migrate.dispatch.interrupts import by_signal
from exuvia.migrate.own import pickle

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ATOMS", "Hooked", "context_key", "pack", "pack_raised", "reason", "unpack", "unpack_raised"]

PROTOCOL = 5
ATOMS = frozenset((int, float, str, bytes, bool, type(None), complex))
"""Classes whose objects cannot change: arguments that are all of these are not looked at after the call."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_LONGEST = 200

pack = pickle.dumps
"""`pack(value, PROTOCOL)`."""
unpack = pickle.loads
"""The worker reads what its own parent wrote, through a pipe that nobody else has."""


class Hooked(TypeError):  # noqa: N818 - it says of a value what it is
    """Pickling a value would run code of the program."""


def pack_raised(error: BaseException, packs: Callable[[Any], bytes] | None = None) -> bytes:
    """Pickle an exception by class, arguments and attributes: its own `__init__` need not be callable again.

    >>> class Refused(ValueError):
    ...     def __init__(self, code: int, why: str) -> None: super().__init__(f"{code}: {why}")
    >>> unpack_raised(pack_raised(KeyError("EURUSD")))
    KeyError('EURUSD')

    Args:
        error: The exception.
        packs: Pickles.

    Raises:
        Exception: What pickling raises.
        TypeError: For what the handler of a signal raised: no side can be held to it.
    """
    if by_signal(error):
        raise TypeError("the handler of a signal raised it")
    held = {name: getattr(error, name) for name in _slots(type(error)) if hasattr(error, name)}
    state = {**held, **(getattr(error, "__dict__", None) or {})}
    # What names a file keeps more than it says in `args`.
    made = OSError.__reduce__(error)[1] if isinstance(error, OSError) else None
    parts = type(error), error.args, state or None, made
    return pack(parts, PROTOCOL) if packs is None else packs(parts)


def unpack_raised(data: bytes, load: Callable[[bytes], Any] = unpack) -> BaseException:
    """Make an exception again, without calling its `__init__`.

    Args:
        data: What `pack_raised` made.
        load: Unpickles.
    """
    packed: tuple[type[BaseException], tuple[Any, ...], dict[str, Any] | None, Any] = load(data)
    kind, args, state, made = packed
    try:
        error = kind.__new__(kind, *(args if made is None else made))
    except TypeError:
        error = BaseException.__new__(kind)
    error.args = args
    slots = _slots(kind) if state else ()
    for name, value in (state or {}).items():
        if name in slots:
            setattr(error, name, value)
        else:
            error.__dict__[name] = value
    return error


def _slots(kind: type[BaseException]) -> list[str]:
    """The slots that the classes of an exception declare."""
    found: list[str] = []
    for cls in kind.__mro__:
        declared = vars(cls).get("__slots__", ())
        found += (declared,) if isinstance(declared, str) else [name for name in declared if name != "__dict__"]
    return found


def reason(what: str, error: BaseException) -> str:
    """Say why something could not be taken, without addresses, so that equal reasons count as one.

    >>> reason("arguments cannot be pickled", TypeError("<f at 0x7f00> is local"))
    'arguments cannot be pickled: TypeError: <f> is local'

    Args:
        what: What failed.
        error: Why.
    """
    if isinstance(error, Hooked):
        return f"{what}: {error}"
    try:
        text = str(error)
    except Exception:
        text = "(no text)"
    return f"{what}: {type(error).__name__}: {_ADDRESS.sub('', text)[:_LONGEST]}"


class _Plain:
    """The decimal context that a thread starts with."""

    key: tuple[Any, ...] | None = None
    traps: Any = None


def context_key() -> tuple[Any, ...] | None:
    """Return the caller's decimal context as plain values, or `None` if it is the default one.

    It is read inside a copy of the context variables: reading makes a context where there was none, and the
    caller's own must stay as they are.
    """
    return copy_context().run(_read) if "decimal" in sys.modules else None


def _read() -> tuple[Any, ...] | None:
    import decimal  # noqa: PLC0415 - a program that never does decimal arithmetic need not load it

    if _Plain.key is None:
        plain = decimal.Context()
        _Plain.traps = plain.traps
        _Plain.key = (plain.prec, plain.rounding, plain.Emin, plain.Emax, plain.capitals, plain.clamp)
    now = decimal.getcontext()
    key = (now.prec, now.rounding, now.Emin, now.Emax, now.capitals, now.clamp)
    if key == _Plain.key and now.traps == _Plain.traps:
        return None
    return (*key, tuple(signal.__name__ for signal, trapped in now.traps.items() if trapped))


def enter_context(key: tuple[Any, ...] | None) -> None:
    """Take up the decimal context that a call of legacy had.

    Args:
        key: As `context_key` returned it.
    """
    import decimal  # noqa: PLC0415 - as in context_key

    if key is None:
        decimal.setcontext(decimal.Context())
        return
    precision, rounding, smallest, largest, capitals, clamp, traps = key
    signals = [getattr(decimal, name) for name in traps]
    decimal.setcontext(decimal.Context(precision, rounding, smallest, largest, capitals, clamp, [], signals))
