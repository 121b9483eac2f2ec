"""Threads of exuvia's own, which the program does not meet when it counts its threads or joins them all.

`threading.enumerate()` and `active_count()` tell what the module `threading` started; these are started below it. As
daemons do, they end with the process. A debugger or a tool that measures lines follows them as it does any thread.
"""

from __future__ import annotations

import _thread
import sys
from typing import TYPE_CHECKING

from exuvia.migrate.own import os, threading

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Background", "forget", "running"]

_start_new_thread = _thread.start_new_thread
_running: set[int] = set()
BEGIN_S = 5.0


class Background:
    """A thread that is started at once.

    >>> done = []
    >>> thread = Background(lambda: done.append(threading.active_count()))
    >>> before = threading.active_count()
    >>> thread.join(5.0), thread.is_alive(), done == [before]
    (True, False, True)

    Args:
        work: What it does; it contains its own errors.
        first: Asked in the thread before the work begins; where it says no, the thread ends. A signal's handler that
            raises may keep who starts a thread from noting it down: the thread notes itself down there, once.

    Raises:
        RuntimeError: If no thread can be started, as at the interpreter's end.
    """

    __slots__ = ("_ended", "_first", "_ident", "_process", "_work")

    def __init__(self, work: Callable[[], object], first: Callable[[Background], bool] | None = None) -> None:
        self._work, self._first = work, first
        self._ended = threading.Event()
        self._ident = 0
        self._process = os.getpid()
        begun = threading.Event()
        _start_new_thread(self._run, (threading.gettrace(), begun))
        # As `threading` does: from here on it is counted as one of exuvia's.
        begun.wait(BEGIN_S)

    @property
    def here(self) -> bool:
        """Whether it is this very thread."""
        return self._ident == threading.get_ident()

    def is_alive(self) -> bool:
        """Say whether it runs; in a forked child no thread of the parent does."""
        return not self._ended.is_set() and self._process == os.getpid()

    def join(self, timeout: float) -> bool:
        """Wait until it has ended.

        Args:
            timeout: Seconds to wait at most.

        Returns:
            Whether it has.
        """
        if self.is_alive():
            self._ended.wait(timeout)
        return not self.is_alive()

    def _run(self, trace: object, begun: threading.Event) -> None:
        self._ident = threading.get_ident()
        if self._first is not None and not self._first(self):
            self._ident = 0
            self._ended.set()
            begun.set()
            return
        _running.add(self._ident)
        begun.set()
        if trace is not None:
            sys.settrace(trace)  # type: ignore[arg-type]  # as threading found it
        try:
            self._work()
        finally:
            forget()
            _running.discard(self._ident)
            self._ident = 0
            self._ended.set()


def running() -> int:
    """Return how many of these threads run in this process."""
    return len(_running)


def forget() -> None:
    """Let `threading` forget this thread, which it notes down if anybody in it asks for the current thread."""
    active, lock = getattr(threading, "_active", None), getattr(threading, "_active_limbo_lock", None)
    dummy = getattr(threading, "_DummyThread", None)
    if not isinstance(active, dict) or lock is None or dummy is None:
        return
    ident = threading.get_ident()
    if type(active.get(ident)) is dummy:
        with lock:
            active.pop(ident, None)


if hasattr(os, "register_at_fork"):
    # The parent's threads are the parent's.
    os.register_at_fork(after_in_child=_running.clear)
