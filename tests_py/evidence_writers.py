"""Processes that write evidence until they are killed, and a count of what they did that no kill can touch.

A zygote imports exuvia once and forks a writer for each start. A writer installs the moult, calls its unit as fast
as it can and tells each call by one byte through a pipe, after the call has returned: `c`, or `d` if it differed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

__all__ = ["EVERY", "Writers", "project"]

EVERY = 37
"""One call in so many differs."""
UNIT = "kill_legacy:price"
LEGACY = "def price(n):\n    return {f'k{n}': n}\n"
SHIM = f"def price(n):\n    return {{f'k{{n}}': n if n % {EVERY} else n + 1}}\n"
CONFIG = f"""
[exuvia]
rehearsal = true
[unit."{UNIT}"]
candidate = "kill_shim:price"
effect = "pure"
mode = "shadow"
isolation = "thread"
record = 0
"""

ZYGOTE = """
import os, sys, time
from dataclasses import replace
from pathlib import Path
import exuvia.migrate
from exuvia.migrate import config, installed
import kill_legacy, kill_shim
installed.TICK_S, installed.SECOND = 0.005, 1

def write(told, evidence, calls):
    loaded = replace(config.load("exuvia.toml"), evidence=Path(evidence), rotate=30_000)
    exuvia.migrate.install(loaded)
    # A climb waits for the other processes, and what legacy serves alone is no evidence.
    late = time.monotonic() + 20
    while exuvia.migrate.status()[0].mode != "shadow" and time.monotonic() < late:
        time.sleep(0.001)
    n = 0
    while calls == 0 or n < calls:
        n += 1
        kill_legacy.price(n)
        os.write(told, b"c" if n % EVERY else b"d")
    exuvia.migrate.uninstall()
    os.write(told, b"e")

for line in sys.stdin:
    what, *rest = line.split()
    if what == "start":
        told, evidence, calls = int(rest[0]), rest[1], int(rest[2])
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                write(told, evidence, calls)
                code = 0
            finally:
                os._exit(code)
        print(pid, flush=True)
    else:
        print(os.waitpid(int(rest[0]), 0)[1], flush=True)
"""


def project(folder: Path) -> None:
    """Write the small program that the writers run."""
    for name, text in (("kill_legacy.py", LEGACY), ("kill_shim.py", SHIM), ("exuvia.toml", CONFIG)):
        (folder / name).write_text(text)
    (folder / "exuvia.toml").chmod(0o600)


class Writers:
    """The zygote, and one pipe for each writer that may be alive at a time."""

    def __init__(self, folder: Path, slots: int) -> None:
        project(folder)
        self.pipes = [os.pipe() for _ in range(slots)]
        for read, _ in self.pipes:
            os.set_blocking(read, False)
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", ZYGOTE.replace("EVERY", str(EVERY))],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=[write for _, write in self.pipes],
        )

    def start(self, slot: int, evidence: Path, calls: int = 0) -> int:
        """Start a writer in a slot and return its process id; with `calls` it ends by itself."""
        return self._ask(f"start {self.pipes[slot][1]} {evidence} {calls}")

    def kill(self, slot: int, pid: int) -> tuple[bytes, bool]:
        """Kill a writer; return what it had told, and whether the kill was what ended it."""
        os.kill(pid, signal.SIGKILL)
        return self.wait(slot, pid)

    def wait(self, slot: int, pid: int) -> tuple[bytes, bool]:
        """Wait until a writer has ended."""
        status = self._ask(f"reap {pid}")
        return self.told(slot), os.WIFSIGNALED(status)

    def told(self, slot: int) -> bytes:
        """What was told and not yet read."""
        parts = []
        while True:
            try:
                parts.append(os.read(self.pipes[slot][0], 65536))
            except BlockingIOError:
                return b"".join(parts)

    def _ask(self, what: str) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        """End the zygote."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()
        for ends in self.pipes:
            for end in ends:
                os.close(end)
