"""Whether an exception was raised by a handler of a signal.

Then it belongs to the program, and not to what the signal interrupted.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import sys
import types
from typing import TYPE_CHECKING, Any

from exuvia.migrate.own import signal, threading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["by_signal", "came_between", "is_foreign"]

# Without the names, which the public function looks up: a raised exception must not cost 64 of them.
_handler_of: Any = getattr(signal.getsignal, "__wrapped__", signal.getsignal)
_SIGNALS = tuple(sorted(int(number) for number in signal.valid_signals()))
DEPTH = 10


def is_foreign(error: BaseException) -> bool:
    """Say whether an exception that came out of exuvia's own work is the program's: it has to go on to the caller.

    Args:
        error: The exception.
    """
    return isinstance(error, KeyboardInterrupt) or by_signal(error)


def by_signal(error: BaseException) -> bool:
    """Say whether the handler of a signal raised an exception, or something that it called.

    A frame of the exception's traceback is a handler's if it was given a signal's number and the very frame that
    it interrupted, as only the interpreter calls it, or if its code is that of a handler that is registered now.

    >>> by_signal(ValueError("never raised"))
    False

    Args:
        error: The exception, with its traceback.
    """
    if threading.get_ident() != threading.main_thread().ident:
        # Handlers run in the main thread only.
        return False
    codes: set[types.CodeType] | None = None
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if _interrupts(frame):
            return True
        if codes is None:
            codes = set(_registered())
        if frame.f_code in codes:
            return True
        trace = trace.tb_next
    return False


def came_between(outer: Collection[types.CodeType]) -> bool:
    """Say whether a signal's handler or a destructor runs in this thread, called since a frame of some code.

    >>> came_between(())
    False

    Args:
        outer: The code of the frames behind which nothing is looked at.
    """
    main = threading.get_ident() == threading.main_thread().ident
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code not in outer:
        if frame.f_code.co_name == "__del__" or (main and _interrupts(frame)):
            return True
        frame = frame.f_back
    return False


def _interrupts(frame: types.FrameType) -> bool:
    """Whether a frame was given a signal's number and, next to it, the frame that called it."""
    code, back = frame.f_code, frame.f_back
    star = bool(code.co_flags & inspect.CO_VARARGS)
    if back is None or code.co_argcount + 2 * star < 2:
        return False
    held = frame.f_locals
    given = [held.get(name) for name in code.co_varnames[: code.co_argcount]]
    if star:
        rest = held.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount])
        given += rest if type(rest) is tuple else ()
    return any(
        later is back and isinstance(number, int) and number in _SIGNALS for number, later in itertools.pairwise(given)
    )


def _registered() -> Iterable[types.CodeType]:
    """The code of every handler that is registered, which is written in Python."""
    for number in _SIGNALS:
        found: Any = _handler_of(number)
        if found is None or isinstance(found, int):
            continue
        for _ in range(DEPTH):
            if isinstance(found, types.FunctionType):
                yield found.__code__
                break
            if isinstance(found, functools.partial):
                found = found.func
            else:
                # A bound method's function, or what calls an object.
                found = getattr(found, "__func__", None) or inspect.getattr_static(type(found), "__call__", None)
