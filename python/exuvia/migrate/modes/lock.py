"""A lock on an open file that the system takes back when its process dies, however it dies."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from exuvia.migrate.own import os, time

if TYPE_CHECKING:
    from exuvia.migrate.descriptor import Held

__all__ = ["take"]

STEP_S = 0.01

if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> bool:
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def take(descriptor: Held, wait_s: float) -> bool:
    """Take the lock; it is given back when the file is closed or the process ends.

    Args:
        descriptor: The open file.
        wait_s: How long another holder is waited for.

    Returns:
        Whether it was taken; never where the file system has no locks.
    """
    end = time.monotonic() + wait_s
    while descriptor.here and not _try(descriptor.number()):
        if time.monotonic() >= end:
            return False
        time.sleep(STEP_S)
    return descriptor.here
