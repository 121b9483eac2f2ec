"""Which exception is the program's own affair: what a signal's handler raises, at whatever place it came.

Programs end what takes too long by a handler of SIGALRM that raises. It may come while exuvia packs a sample or a
candidate runs; it then goes on to the caller as from legacy's own frames, and is no difference.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` would make an enumeration of each
import functools
import itertools
import threading
import types
from typing import Any

__all__ = ["from_handler", "is_foreign"]

_STANDARD = range(1, min(_signal.NSIG, 32))


def is_foreign(error: BaseException) -> bool:
    """Say whether an exception that came out of exuvia's own work is the program's: it has to go on to the caller.

    Args:
        error: The exception.
    """
    return isinstance(error, KeyboardInterrupt) or from_handler(error)


def from_handler(error: BaseException) -> bool:
    """Say whether the handler of a signal has raised an exception, or what it called.

    A handler is known by the frame that it is given, which is the one that it interrupts, or by being registered.

    >>> import signal
    >>> def handler(number, frame): raise TimeoutError
    >>> held = signal.signal(signal.SIGALRM, handler)
    >>> try: signal.raise_signal(signal.SIGALRM)
    ... except TimeoutError as error: from_handler(error)
    True
    >>> from_handler(TimeoutError())
    False
    >>> held = signal.signal(signal.SIGALRM, held)

    Args:
        error: The exception.
    """
    trace = error.__traceback__
    if trace is None or threading.get_ident() != threading.main_thread().ident:
        # Handlers run in the main thread only.
        return False
    frames: list[types.FrameType] = []
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    for interrupted, frame in itertools.pairwise(frames):
        if frame.f_code.co_argcount >= 2 and any(value is interrupted for value in frame.f_locals.values()):
            return True
    codes = {frame.f_code for frame in frames}
    return not codes.isdisjoint(_handlers())


def _handlers() -> set[Any]:
    """The code of what is registered now."""
    found = set()
    for registered in map(_signal.getsignal, _STANDARD):
        if registered is None or isinstance(registered, (int, types.BuiltinFunctionType)):
            continue
        handler: Any = registered
        while isinstance(handler, functools.partial):
            handler = handler.func
        handler = getattr(handler, "__func__", handler)
        code = getattr(handler, "__code__", None) or getattr(type(handler).__call__, "__code__", None)
        if code is not None:
            found.add(code)
    return found
