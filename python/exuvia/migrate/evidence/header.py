"""What the first line of a segment says of the machine and the process: host, boot, versions, libc, CPU."""

from __future__ import annotations

import contextlib
import functools
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.migrate.own import os, socket, time

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["QUIET_S", "SILENT_S", "born", "facts", "is_gone", "is_silent", "machine", "quiet_s"]

SILENT_S = 120
"""Seconds after which a process that cannot be looked at from here counts as gone: each writes every ten."""
QUIET_S = 60
"""Seconds without a heartbeat after which a process that is there is said to write nothing: it writes every ten."""
LONG_S = 86_400
"""Seconds after which its own lines are believed alone: a back-up that was put back has new files, no clock is that far
behind."""


@functools.lru_cache(maxsize=1)
def machine() -> dict[str, str]:
    """Return what stays as it is while the machine runs.

    libc and CPU are not in F: their change marks the session and asks for a replay on the new host.
    """
    return {
        "host": socket.gethostname(),
        "boot": _text("/proc/sys/kernel/random/boot_id"),
        "python": sys.version.split()[0],
        "implementation": sys.implementation.name,
        "libc": _libc(),
        "cpu": _cpu(),
        "system": f"{platform.system()} {platform.release()}",
    }


def facts(started_ns: int) -> dict[str, Any]:
    """Return machine and process.

    Args:
        started_ns: UTC nanoseconds of the segment's start.
    """
    return {**machine(), "pid": os.getpid(), "born": born(os.getpid()), "started_ns": started_ns}


def born(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; `None` where the system does not say.

    Args:
        pid: The process.
    """
    said = _text(f"/proc/{pid}/stat")
    fields = said.rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[19].isdigit() else None


def is_gone(header: dict[str, Any]) -> bool:
    """Say whether the process of a header has ended, where that can be seen from here.

    Args:
        header: The first line of a segment.
    """
    pid = header.get("pid")
    here = machine()
    if header.get("host") != here["host"] or not isinstance(pid, int) or os.name != "posix":
        return False
    if header.get("boot") and here["boot"] and header["boot"] != here["boot"]:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        # It is there and belongs to someone else, or the number is no process's.
        pass
    now = born(pid)
    if now is not None and _text(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] == ["Z"]:
        return True
    return now is not None and header.get("born") is not None and now != header["born"]


def is_silent(header: dict[str, Any], said_ns: int, written_ns: int | None = None) -> bool:
    """Say whether a process that cannot be looked at from here was not heard of for too long.

    Of a process of this host `is_gone` knows more. A clock that is ahead does not keep a process alive: what lies in
    the future is not believed.

    Args:
        header: The first line of a segment.
        said_ns: When it was last heard of by its own lines, UTC nanoseconds.
        written_ns: When its files were written last; with it, both must be old, or the lines very old.
    """
    if header.get("host") == machine()["host"] and os.name == "posix":
        return False
    silent, now = SILENT_S * 1_000_000_000, time.time_ns()
    if written_ns is not None and now - said_ns > LONG_S * 1_000_000_000:
        return True
    heard = (said_ns,) if written_ns is None else (said_ns, written_ns)
    return all(not now - silent <= at <= now + silent for at in heard)


def quiet_s(header: dict[str, Any], heard_ns: int) -> float:
    """Return for how long a process of this host that is there has said nothing, in seconds; 0 for any other.

    Args:
        header: The first line of a segment.
        heard_ns: When it was last heard of, UTC nanoseconds.
    """
    if header.get("host") != machine()["host"] or os.name != "posix" or is_gone(header):
        return 0.0
    return max(0.0, (time.time_ns() - heard_ns) / 1e9)


def _libc() -> str:
    try:
        return str(os.confstr("CS_GNU_LIBC_VERSION") or "")
    except (AttributeError, ValueError, OSError):
        return " ".join(platform.libc_ver()).strip()


def _cpu() -> str:
    for line in _lines("/proc/cpuinfo"):
        if line.startswith(("model name", "Model")):
            return f"{line.partition(':')[2].strip()} ({platform.machine()})"
    return platform.processor() or platform.machine()


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _lines(path: str) -> Iterator[str]:
    """The lines of a file, read as they are asked for: what the system says of each processor it makes then."""
    with contextlib.suppress(OSError), Path(path).open(encoding="utf-8", errors="replace") as file:
        yield from file
