"""SIGTERM: the last evidence is written within a deadline, then the process ends as it would have.

Only where the program has no handler of its own. A program that sets one later and calls the one before it, as
it found it, gets the flush and goes on; one that does not, ends by itself, and its own exit flushes.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from exuvia.migrate.background import Background
from exuvia.migrate.own import os, signal, threading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = ["DEADLINE_S", "ending", "hook"]

DEADLINE_S = 2.0

_late: list[int] = []
_ends = False


@contextlib.contextmanager
def ending() -> Iterator[None]:
    """While the last evidence is written in the main thread, SIGTERM waits for it: writing it twice is a deadlock."""
    global _ends  # noqa: PLW0603 - a fact about the process
    _ends = True
    try:
        yield
    finally:
        _ends = False
        while _late:
            _kill(_late.pop())


def _kill(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def hook(flush: Callable[[], None], deadline_s: float = DEADLINE_S) -> bool:
    """Put the handler in place, if SIGTERM would end the process without a word.

    Args:
        flush: Writes what is to be written; it runs in a thread of its own, since the program may have been
            interrupted while it held a lock that the flush needs.
        deadline_s: Seconds after which the process ends all the same.

    Returns:
        Whether the handler is in place.
    """
    if threading.get_ident() != threading.main_thread().ident or sys.platform == "win32":
        return False
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return False

    def on_term(number: int, _frame: FrameType | None) -> None:
        if _ends:
            _late.append(number)
            return
        # At the very end of the interpreter no thread can be started any more.
        with contextlib.suppress(RuntimeError):
            Background(flush).join(deadline_s)
        if signal.getsignal(number) is on_term:
            _kill(number)

    signal.signal(signal.SIGTERM, on_term)
    return True
