"""What a thread is doing at the instruction where it stands: computing, waiting or sleeping.

Linux says it exactly (the system call that the thread is in); elsewhere the name of what is called decides.
A thread that waits for nothing but the interpreter's lock computes.
"""

from __future__ import annotations

import ast
import dis
import linecache
import os
import platform
import sys
from typing import TYPE_CHECKING

from exuvia.migrate.descriptor import Held
from exuvia.migrate.worth.stacks import kind_of_call

if TYPE_CHECKING:
    from types import CodeType

__all__ = ["Threads", "kind_at"]

# Numbers of system calls by machine: those that sleep, and the futex, which is a lock or the interpreter's own.
_SLEEP = {"x86_64": (35, 230), "aarch64": (101, 115)}
_FUTEX = {"x86_64": 202, "aarch64": 98}
_KNOWN: dict[tuple[CodeType, int], str] = {}
_KNOWN_AT_MOST = 20_000


class Threads:
    """Reads what the system knows of this process's threads; open one for a while, then close it."""

    def __init__(self) -> None:
        machine = platform.machine()
        self.exact = sys.platform == "linux" and machine in _SLEEP
        self._sleep, self._futex = _SLEEP.get(machine, ()), _FUTEX.get(machine, -1)
        self._files: dict[int, Held] = {}

    def cpu(self, native: int) -> float | None:
        """Return the CPU seconds of a thread, or `None` where that cannot be known or it has ended.

        Args:
            native: The system's id of the thread.
        """
        if sys.platform != "linux":
            return None
        try:
            # What pthread_getcpuclockid makes of a thread, without a pthread_t that may be gone by now.
            return _clock(~native << 3 | 6)
        except OSError:
            return None

    def state(self, native: int, code: CodeType, instruction: int) -> str:
        """Return `compute`, `wait` or `sleep`.

        Args:
            native: The system's id of the thread.
            code: The code of its innermost frame.
            instruction: Where it stands in there, `f_lasti`.
        """
        call = self._call(native) if self.exact else None
        if call is None:
            return kind_at(code, instruction)
        if call in self._sleep:
            return "sleep"
        if call == self._futex:
            # The interpreter's lock, unless what is called waits by its name.
            return kind_at(code, instruction)
        return "compute" if call < 0 else "wait"

    def _call(self, native: int) -> int | None:
        """The number of the system call that a thread is in, -1 if it is in none, `None` if nobody says."""
        try:
            if native not in self._files:
                path = f"/proc/self/task/{native}/syscall"
                self._files[native] = Held(os.open(path, os.O_RDONLY | os.O_CLOEXEC), move=False)
            word = os.pread(self._files[native].unchecked, 32, 0).split(b" ", 1)[0].strip()
            return -1 if word == b"running" else int(word)
        except (OSError, ValueError):
            self.forget(native)
            return None

    def forget(self, native: int) -> None:
        """Close what is open for a thread.

        Args:
            native: The system's id of the thread.
        """
        descriptor = self._files.pop(native, None)
        if descriptor is not None:
            descriptor.close()

    def close(self) -> None:
        """Close everything."""
        for native in list(self._files):
            self.forget(native)


def _clock(which: int) -> float:
    import time  # noqa: PLC0415 - absent on Windows

    return time.clock_gettime(which)


def kind_at(code: CodeType, instruction: int) -> str:
    """Say what an instruction does, by the name of what it calls.

    Args:
        code: The code.
        instruction: The offset in it, `f_lasti`.
    """
    key = code, instruction
    kind = _KNOWN.get(key)
    if kind is None:
        if len(_KNOWN) >= _KNOWN_AT_MOST:
            _KNOWN.clear()
        kind = _KNOWN[key] = kind_of_call(_called(code, instruction))
    return kind


def _called(code: CodeType, instruction: int) -> str:
    """The name of what is called at an instruction, empty if it is no call or the source is not at hand."""
    raw = code.co_code
    if not 0 <= instruction < len(raw) or "CALL" not in dis.opname[raw[instruction]]:
        return ""
    place = next((found for at, found in enumerate(code.co_positions()) if at == instruction // 2), None)
    if place is None or None in place:
        return ""
    first, last, left, right = (int(part or 0) for part in place)
    lines = [line.encode() for line in linecache.getlines(code.co_filename)[first - 1 : last]]
    if not lines:
        return ""
    lines[-1] = lines[-1][:right]
    lines[0] = lines[0][left:]
    try:
        call = ast.parse(b"(" + b"".join(lines) + b")", mode="eval").body
    except (SyntaxError, ValueError):
        return ""
    target = call.func if isinstance(call, ast.Call) else None
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else ""
