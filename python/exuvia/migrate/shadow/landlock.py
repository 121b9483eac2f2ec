"""What Linux itself refuses a process that loads the program's modules a second time: writing files, and TCP.

Landlock (Linux 5.13, `man 7 landlock`) lets a process give up rights for good. It holds compiled code too, which the
interpreter's audit events never see. Where the system has none, nothing happens here.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys

__all__ = ["restrict"]

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION, _BENEATH = 1, 1
_NO_NEW_PRIVILEGES = 38
_WRITE_FILE, _REFER, _TRUNCATE = 1 << 1, 1 << 13, 1 << 14
_CHANGES = sum(1 << bit for bit in range(4, 13))
"""Removing files and folders, and making any kind of them."""
_TCP = 3
_REFERS, _TRUNCATES, _NETWORK = 2, 3, 4
"""The versions of the interface that know these rights."""


def restrict(free: tuple[str, ...]) -> bool:
    """Give up writing outside of some folders, and TCP, for this process and its children.

    Args:
        free: Folders in which it may write.

    Returns:
        Whether the system does it.
    """
    if sys.platform != "linux":
        return False
    import ctypes  # noqa: PLC0415 - only here

    libc = ctypes.CDLL(None, use_errno=True)

    def ask(number: int, *words: object) -> int:
        return int(libc.syscall(ctypes.c_long(number), *words))

    version = ask(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION))
    if version < 1:
        return False
    file = _WRITE_FILE | (_TRUNCATE if version >= _TRUNCATES else 0)
    folder = file | _CHANGES | (_REFER if version >= _REFERS else 0)
    rules = struct.pack("<QQ", folder, _TCP) if version >= _NETWORK else struct.pack("<Q", folder)
    made = ask(_CREATE, ctypes.c_char_p(rules), ctypes.c_size_t(len(rules)), ctypes.c_uint(0))
    if made < 0:
        return False
    try:
        for path, rights in [(each, folder) for each in free] + [("/dev/null", file)]:
            with contextlib.suppress(OSError):
                place = os.open(path, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
                try:
                    beneath = ctypes.create_string_buffer(struct.pack("<Qi", rights, place), 12)
                    ask(_ADD, ctypes.c_int(made), ctypes.c_int(_BENEATH), beneath, ctypes.c_uint(0))
                finally:
                    os.close(place)
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return ask(_RESTRICT, ctypes.c_int(made), ctypes.c_uint(0)) == 0
    finally:
        os.close(made)
