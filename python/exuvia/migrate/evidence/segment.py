"""Evidence: one append-only file of JSON lines for each process, 0600.

A header with the fingerprint, each difference forced to the disk at once, counters every second and at the
end. If the disk is full or read-only the writer falls silent and counts; the trading program is not touched.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FORMAT", "Segment"]

FORMAT = 1


class Segment:
    """This process's evidence file.

    Args:
        folder: The evidence folder, made if it is missing.
        header: What the first line says besides host, process and start.
    """

    def __init__(self, folder: Path, header: dict[str, Any]) -> None:
        self.folder = folder
        self.header = header
        self.path: Path | None = None
        self.lost = 0
        self.trouble: str | None = None
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._last = b""
        self.open()

    def open(self) -> None:
        """Open a new file and write its header; a folder that cannot be written is counted, not raised."""
        self._lock = threading.Lock()
        self._descriptor = None
        self._last = b""
        started = time.time_ns()
        host = socket.gethostname()
        line = {
            "kind": "header",
            "format": FORMAT,
            "host": host,
            "pid": os.getpid(),
            "started": datetime.fromtimestamp(started / 1e9, UTC).isoformat(),
            "python": sys.version.split()[0],
            **self.header,
        }
        safe = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in host)[:40]
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.folder / f"{started}-{safe}-{os.getpid()}.jsonl"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
            self._descriptor = os.open(path, flags, 0o600)
            self.path = path
        except OSError as error:
            self._mute(error)
            return
        self.write(line)

    @property
    def sampling(self) -> bool:
        """Whether what is observed can still be kept."""
        return self._descriptor is not None

    def write(self, line: dict[str, Any], *, sync: bool = True) -> None:
        """Append one line; it never raises.

        Args:
            line: What it says.
            sync: Whether it is forced to the disk before this returns.
        """
        data = json.dumps({"at": time.time_ns(), **line}, default=str, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._descriptor is None:
                self.lost += 1
                return
            try:
                written = os.write(self._descriptor, data)
                if written != len(data):
                    raise OSError(f"only {written} of {len(data)} bytes fitted: is the disk full?")
                if sync:
                    os.fsync(self._descriptor)
            except OSError as error:
                self._mute(error)

    def counters(self, units: dict[str, Any], *, sync: bool = False, ended: bool = False) -> None:
        """Append a line of counters if anything changed since the last one.

        Args:
            units: Counters by unit.
            sync: Whether it is forced to the disk.
            ended: Whether the process ends here.
        """
        said = json.dumps(units, default=str).encode()
        if said == self._last and not sync:
            return
        self._last = said
        end = {"ended": True} if ended else {}
        self.write({"kind": "counters", "units": units, "lost": self.lost, **end}, sync=sync)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def abandon(self) -> None:
        """Let go of a file that belongs to the parent process."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None
        self.lost = 0
        self.trouble = None

    def _mute(self, error: OSError) -> None:
        """Stop writing: the disk is full, read-only or gone."""
        self.lost += 1
        self.trouble = f"evidence stopped: {error}"
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
