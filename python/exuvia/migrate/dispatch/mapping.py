"""A mapping that keeps no descriptor: Python's own keeps one until 3.13, and closes that number when it goes.

A program may have closed it meanwhile, and opened a file of its own under the number: see `descriptor`.
"""

from __future__ import annotations

import mmap
import os
import sys

__all__ = ["lasting"]

_FAILED = 2**64 - 1
_WRITABLE = 0x200


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
    import ctypes  # noqa: PLC0415 - only here

    system = ctypes.CDLL(None, use_errno=True)
    system.mmap.restype = ctypes.c_void_p
    system.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    place = system.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, number, 0)
    if place is None or place in (_FAILED, -1):
        error = ctypes.get_errno()
        raise OSError(error, f"mmap: {os.strerror(error)}")
    view = ctypes.pythonapi.PyMemoryView_FromMemory
    view.restype, view.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int]
    # Never unmapped: a switch may read it at any moment, also while the interpreter ends.
    found: memoryview = view(place, size, _WRITABLE)
    return found
