"""SIGTERM: the last evidence is written within a deadline, then the process ends as it would have.

Only where the program has no handler of its own. A program that sets one later and calls the one before it, as
it found it, gets the flush and goes on; one that does not, ends by itself, and its own exit flushes.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["DEADLINE_S", "hook"]

DEADLINE_S = 2.0


def hook(flush: Callable[[], None], deadline_s: float = DEADLINE_S) -> bool:
    """Put the handler in place, if SIGTERM would end the process without a word.

    Args:
        flush: Writes what is to be written; it runs in a thread of its own, since the program may have been
            interrupted while it held a lock that the flush needs.
        deadline_s: Seconds after which the process ends all the same.

    Returns:
        Whether the handler is in place.
    """
    if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
        return False
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return False

    def on_term(number: int, _frame: FrameType | None) -> None:
        flusher = threading.Thread(target=flush, name="exuvia-flush", daemon=True)
        try:
            flusher.start()
            flusher.join(deadline_s)
        except RuntimeError:
            # No thread can be started any more, as at the very end of the interpreter.
            pass
        if signal.getsignal(number) is on_term:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, on_term)
    return True
