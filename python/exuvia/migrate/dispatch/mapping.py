"""A mapping that keeps no descriptor: Python's own keeps one until 3.13, and closes that number when it goes.

A program may have closed it meanwhile, and opened a file of its own under the number: see `descriptor`.
"""

from __future__ import annotations

import importlib
import mmap
import sys
from typing import Any

__all__ = ["lasting"]


def lasting(number: int, size: int) -> mmap.mmap | memoryview:
    """Map a file for as long as the process lives, to be read and written.

    >>> import os
    >>> number = os.memfd_create("page")
    >>> os.ftruncate(number, 4096)
    >>> words = lasting(number, 4096)
    >>> words[:5] = b"moult"
    >>> os.pread(number, 5, 0)
    b'moult'
    >>> os.close(number)

    Args:
        number: The file's descriptor; nobody needs it any more after this.
        size: Bytes from its beginning on.

    Raises:
        OSError: If the system refuses.
    """
    if sys.version_info >= (3, 13):
        return mmap.mmap(number, size, trackfd=False)
    if sys.platform == "win32":
        return mmap.mmap(number, size)
    # Never unmapped: a switch may read it at any moment, also while the interpreter ends. Loaded here only: what
    # rolls back looks into pages too, and must do so where the extension cannot be loaded.
    extension: Any = importlib.import_module("exuvia._exuvia")
    made: memoryview = extension.map_lasting(number, size)
    return made
