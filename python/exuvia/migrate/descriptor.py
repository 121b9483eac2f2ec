"""A descriptor that is kept over time, in a program that may close it and open something else under its number.

Daemons close whatever they inherited, `os.closerange(3, 256)`, and so what exuvia holds too; the next socket that the
program opens gets that number. So a kept descriptor knows the file that it was opened for, and is looked at before
each use: what is another file by now is the program's, and is neither written, read nor closed. Its number is far above
those that a program's own files get, so that this seldom happens at all.

Between the look and the use another thread of the program may still close and open: nothing short of the system could
rule that out. A descriptor that is opened, used and closed in one go is not kept.
"""

from __future__ import annotations

import contextlib
import errno
import stat
import sys

from exuvia.migrate.own import os, select

__all__ = ["Held", "high", "ready"]

ABOVE = 512
_STANDARD = 3

if sys.platform == "win32":

    def high(number: int) -> int:
        """Return the descriptor: numbers are no matter here."""
        return number

else:
    import fcntl
    import resource

    def high(number: int) -> int:
        """Give a descriptor a number far above those that the program's own files get.

        Args:
            number: It; it is closed if it got another number.

        Returns:
            Its number from here on.
        """
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        above = ABOVE if soft == resource.RLIM_INFINITY else min(ABOVE, soft // 2)
        for least in (above, _STANDARD):
            if number >= least:
                break
            try:
                found = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, least)
            except OSError:
                continue
            os.close(number)
            return found
        return number


class Held:
    """A descriptor, and the file that it was opened for.

    >>> import os
    >>> reads, writes = (Held(end) for end in os.pipe())
    >>> os.write(writes.number(), b"ours")
    4
    >>> os.close(writes.number())
    >>> writes.here
    False
    >>> reads.close()

    Args:
        number: The descriptor, just opened and owned from here on.
        move: Whether it gets a high number; the first one of a process with threads waits some milliseconds for it.
    """

    __slots__ = ("_file", "_number")

    def __init__(self, number: int, *, move: bool = True) -> None:
        self._number = high(number) if move else number
        self._file = _file(self._number)

    @property
    def here(self) -> bool:
        """Whether it is still open, and still that file."""
        return self._number >= 0 and _file(self._number) == self._file

    @property
    def lost(self) -> bool:
        """Whether the program closed it: it was not closed here."""
        return self._number >= 0 and _file(self._number) != self._file

    @property
    def unchecked(self) -> int:
        """Its number, not looked at: only to read by place, where a look would let other threads in."""
        return self._number

    def number(self) -> int:
        """Return its number, for one use at once.

        Raises:
            OSError: EBADF, if it was closed, or the number belongs to another file by now.
        """
        if not self.here:
            raise OSError(errno.EBADF, "the program closed a descriptor of exuvia, as daemons close what is open")
        return self._number

    def close(self) -> None:
        """Close it, if it is still ours; the program's file of that number is left alone."""
        number, self._number = self._number, -1
        if number >= 0 and _file(number) == self._file:
            with contextlib.suppress(OSError):
                os.close(number)


def _file(number: int) -> tuple[int, ...] | None:
    try:
        held = os.fstat(number)
    except OSError as error:
        if type(error) is not OSError:
            # What the handler of a signal raised, as a TimeoutError: it is the program's.
            raise
        return None
    return held.st_dev, held.st_ino, stat.S_IFMT(held.st_mode)


def ready(reading: list[int], writing: list[int], timeout_s: float) -> set[int]:
    """Wait until one of some descriptors can be read, or written, or is gone.

    Args:
        reading: Those to be read; unlike `select`, of any number.
        writing: Those to be written.
        timeout_s: Seconds to wait.

    Returns:
        Those that are ready; one that was closed meanwhile is.
    """
    if not hasattr(select, "poll"):
        read, write, _ = select.select(reading, writing, [], timeout_s)
        return {*read, *write}
    poll = select.poll()
    for number in reading:
        poll.register(number, select.POLLIN)
    for number in writing:
        poll.register(number, select.POLLOUT)
    return {number for number, _ in poll.poll(timeout_s * 1000.0)}
