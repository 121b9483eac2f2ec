"""One worker process as the courier sees it: started, fed, watched, killed, and the cause of its death told."""

from __future__ import annotations

import contextlib
import marshal
import mmap
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import exuvia
from exuvia.migrate.shadow import protocol

if TYPE_CHECKING:
    from exuvia.migrate.shadow.protocol import Answer, Hello

__all__ = ["Link", "main_module"]

_START = "import sys; sys.path.insert(0, {root!r}); from exuvia.migrate.shadow.worker import main; main({page})"
_CAUSE = 300
_CHUNK = 1 << 20


def main_module() -> tuple[str, str] | None:
    """Return how this program's main module was started, as multiprocessing's spawn finds it."""
    main = sys.modules.get("__main__")
    name = getattr(getattr(main, "__spec__", None), "name", None)
    if isinstance(name, str):
        return "name", name
    path = getattr(main, "__file__", None)
    return ("path", os.path.abspath(path)) if isinstance(path, str) else None  # noqa: PTH100 - as spawn does


class Link:
    """A worker and the pipes to it; nothing here blocks.

    Args:
        hello: What the worker is told first.

    Raises:
        OSError: If it cannot be started.
    """

    def __init__(self, hello: Hello) -> None:
        self.trace = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        page = _shared_file()
        self.page = mmap.mmap(page, protocol.PAGE_BYTES)
        root = str(Path(exuvia.__file__).resolve().parent.parent)
        flags: list[str] = getattr(subprocess, "_args_from_interpreter_flags")()  # noqa: B009 - as multiprocessing does
        environment = {"PYTHONHASHSEED": "0", "MALLOC_ARENA_MAX": "2", **os.environ}
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, *flags, "-P", "-c", _START.format(root=root, page=page)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.trace,
                pass_fds=(page,),
                env=environment,
                bufsize=0,
            )
        except BaseException:
            self.trace.close()
            self.page.close()
            raise
        finally:
            os.close(page)
        if self.process.stdin is None or self.process.stdout is None:
            raise OSError("the worker has no pipes")
        self.commands, self.answers = self.process.stdin.fileno(), self.process.stdout.fileno()
        for descriptor in (self.commands, self.answers):
            os.set_blocking(descriptor, False)
        self.started_ns = time.monotonic_ns()
        self.settled = 0
        self.killed_for: str | None = None
        self._out = bytearray()
        self._in = bytearray()
        self._queue(pickle.dumps(hello))

    def _queue(self, data: bytes) -> None:
        self._out += protocol.LENGTH.pack(len(data))
        self._out += data

    @property
    def unsent(self) -> int:
        """Bytes that the pipe did not take yet."""
        return len(self._out)

    def send(self, samples: list[Any]) -> None:
        """Queue samples as one frame.

        Args:
            samples: They.
        """
        self._queue(marshal.dumps(samples))

    def push(self) -> bool:
        """Write what the pipe takes.

        Returns:
            Whether the worker still reads.
        """
        while self._out:
            try:
                with memoryview(self._out) as view:
                    written = os.write(self.commands, view[:_CHUNK])
            except BlockingIOError:
                return True
            except OSError:
                return False
            del self._out[:written]
        return True

    def pull(self) -> tuple[list[Answer], bool]:
        """Read what has come.

        Returns:
            Answers in order, and whether the worker still writes.
        """
        open_ = True
        while True:
            try:
                part = os.read(self.answers, _CHUNK)
            except BlockingIOError:
                break
            except OSError:
                part = b""
            if not part:
                open_ = False
                break
            self._in += part
            if len(part) < _CHUNK:
                break
        answers: list[Answer] = []
        size = protocol.LENGTH.size
        while len(self._in) >= size:
            (length,) = protocol.LENGTH.unpack_from(self._in)
            if len(self._in) < size + length:
                break
            answers += marshal.loads(self._in[size : size + length])  # noqa: S302 - from our own worker
            del self._in[: size + length]
        self.settled += len(answers)
        return answers, open_

    def doing(self) -> tuple[int, float, int]:
        """Return the number of the running sample, seconds since it began, and what the worker is doing."""
        number, since, doing, _ = protocol.PAGE.unpack_from(self.page)
        return number, (time.monotonic_ns() - (since or self.started_ns)) / 1e9, doing

    def grown(self) -> int:
        """Return the resident bytes above those that it had when its candidates were loaded, 0 if unknown."""
        *_, resident = protocol.PAGE.unpack_from(self.page)
        if not resident:
            return 0
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except (OSError, ValueError, IndexError):
            return 0
        return max(0, pages * os.sysconf("SC_PAGESIZE") - int(resident))

    def kill(self, why: str) -> None:
        """Kill it.

        Args:
            why: The cause, as it is recorded.
        """
        self.killed_for = self.killed_for or why
        with contextlib.suppress(OSError):
            self.process.kill()

    def end(self, timeout: float) -> str:
        """Close the pipes, wait, then kill; say how it died.

        Args:
            timeout: Seconds that it may take to end by itself.
        """
        self._close_pipes()
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        told = self._told()
        self.trace.close()
        if self.killed_for is not None:
            return self.killed_for
        how = f"signal {_signal(-code)}" if code < 0 else f"exit code {code}"
        return f"the worker died: {how}{told}"

    def forget(self) -> None:
        """Let go of a worker that belongs to the parent process: nothing is sent, nobody is killed."""
        self._close_pipes()
        self.trace.close()
        # Not ours to wait for: without this the interpreter would complain when the object goes.
        self.process.returncode = 0

    def _close_pipes(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        with contextlib.suppress(BufferError, ValueError):
            self.page.close()

    def _told(self) -> str:
        """The trace of a crash, or the error at the start."""
        try:
            self.trace.seek(0)
            text = self.trace.read(100_000).decode("utf-8", errors="replace")
        except (OSError, ValueError):
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if not lines:
            return ""
        if lines[0].startswith("Fatal"):
            frames = [line for line in lines if line.startswith("File ")]
            return f" ({' '.join([lines[0], *frames[:1]])[:_CAUSE]})"
        return f" ({lines[-1][:_CAUSE]})"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _shared_file() -> int:
    """A file in memory that parent and worker map."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("exuvia-shadow")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, protocol.PAGE_BYTES)
    return descriptor
