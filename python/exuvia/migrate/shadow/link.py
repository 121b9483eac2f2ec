"""One worker process as the courier sees it: started, fed, watched, killed, and the cause of its death told."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.migrate.descriptor import ready
from exuvia.migrate.own import _socket, marshal, os, pickle, signal, time
from exuvia.migrate.shadow import birth, protocol

if TYPE_CHECKING:
    from exuvia.migrate.shadow.protocol import Answer, Hello

__all__ = ["CLOSED", "Link", "main_module"]

CLOSED = "the program closed the pipes to the worker, as daemons close what is open"
_CAUSE = 300
_CHUNK = 1 << 20
_KILLED_S = 10.0
_QUIET = getattr(_socket, "MSG_NOSIGNAL", 0)


def main_module() -> tuple[str, str] | None:
    """Return how this program's main module was started, as multiprocessing's spawn finds it."""
    main = sys.modules.get("__main__")
    name = getattr(getattr(main, "__spec__", None), "name", None)
    if isinstance(name, str):
        return "name", name
    path = getattr(main, "__file__", None)
    return ("path", os.path.abspath(path)) if isinstance(path, str) else None


class Link:
    """A worker and the pipes to it; nothing here blocks, but for `end`.

    Args:
        hello: What the worker is told first.

    Raises:
        OSError: If it cannot be started.
    """

    def __init__(self, hello: Hello) -> None:
        self._ends = birth.start()
        self.commands, self.answers = self._ends.commands, self._ends.answers
        self.started_ns = time.monotonic_ns()
        self.settled = 0
        self.killed_for: str | None = None
        self._pid = self._keeper = 0
        self._code: int | None = None
        self._heard = b""
        self._out = bytearray()
        self._in = bytearray()
        self._queue(pickle.dumps(hello))

    @property
    def pid(self) -> int | None:
        """The worker's process id, once it has said it."""
        if not self._pid:
            self._hear()
        return self._pid or None

    @property
    def lost(self) -> bool:
        """Whether the program closed what this process holds of the worker."""
        return any(end.lost for end in self._ends.all())

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
                # A copy: a view would keep who queues meanwhile from making it longer.
                written = os.write(self.commands.number(), self._out[:_CHUNK])
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
                part = os.read(self.answers.number(), _CHUNK)
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
            answers += marshal.loads(self._in[size : size + length])
            del self._in[: size + length]
        self.settled += len(answers)
        return answers, open_

    def doing(self) -> tuple[int, float, int]:
        """Return the number of the running sample, seconds since it began, and what the worker is doing."""
        number, since, doing, _ = self._page()
        return number, (time.monotonic_ns() - (since or self.started_ns)) / 1e9, doing

    def _page(self) -> tuple[int, int, int, int]:
        try:
            number, since, doing, resident = protocol.PAGE.unpack(
                os.pread(self._ends.page.number(), protocol.PAGE.size, 0)
            )
        except OSError:
            return self.settled, 0, protocol.IDLE, 0
        return number, since, doing, resident

    def grown(self) -> int:
        """Return the resident bytes above those that it had when its candidates were loaded, 0 if unknown."""
        *_, resident = self._page()
        if not resident:
            return 0
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, ValueError, IndexError):
            return 0
        return max(0, pages * os.sysconf("SC_PAGESIZE") - int(resident))

    def kill(self, why: str) -> None:
        """Have it killed, by its keeper: that one knows that the number is still the worker's.

        Args:
            why: The cause, as it is recorded.
        """
        self.killed_for = self.killed_for or why
        with contextlib.suppress(OSError):
            # Where a program lets SIGPIPE end it, a keeper that is gone must not be its end.
            end = _socket.socket(fileno=self._ends.way.number())
            try:
                end.send(b"k", _QUIET)
            finally:
                end.detach()

    def end(self, timeout: float) -> str:
        """Close the pipes, wait, then kill; say how it died.

        Args:
            timeout: Seconds that it may take to end by itself.
        """
        lost = self.lost
        self.commands.close()
        self.answers.close()
        if not self._ended(timeout):
            killed, self.killed_for = self.killed_for, None
            self.kill("")
            self.killed_for = killed
            self._ended(_KILLED_S)
        told = self._told()
        self.forget()
        self._bury()
        if self.killed_for is not None:
            return self.killed_for
        if lost:
            return CLOSED
        code = self._code
        if code is None:
            return f"the worker died: it could not be started, or its keeper was killed{told}"
        how = f"signal {_signal(-code)}" if code < 0 else f"exit code {code}"
        return f"the worker died: {how}{told}"

    def forget(self) -> None:
        """Let go of it; in a forked child it is the parent's, and nobody is killed while that one holds it."""
        for end in self._ends.all():
            end.close()

    def _hear(self) -> bool:
        """Take what the keeper has said; say whether there may be more."""
        try:
            said = os.read(self._ends.way.number(), 4096)
        except BlockingIOError:
            return True
        except OSError:
            return False
        *lines, self._heard = (self._heard + said).split(b"\n")
        for line in lines:
            number = int(line[1:])
            if line[:1] == b"p":
                self._pid = number
            elif line[:1] == b"k":
                self._keeper = number
            else:
                self._code = number
        return bool(said)

    def _ended(self, timeout: float) -> bool:
        """Wait until the keeper says that the worker has ended, or is gone itself."""
        until = time.monotonic() + timeout
        while self._hear() and self._code is None:
            left = until - time.monotonic()
            if left <= 0:
                return False
            with contextlib.suppress(OSError):
                ready([self._ends.way.number()], [], left)
        return True

    def _bury(self) -> None:
        """Wait for the keeper where this process is the system's reaper: it is its child then."""
        if self._keeper:
            with contextlib.suppress(OSError):
                os.waitpid(self._keeper, 0 if self._code is not None else os.WNOHANG)

    def _told(self) -> str:
        """The trace of a crash, or the error at the start."""
        try:
            text = os.pread(self._ends.trace.number(), 100_000, 0).decode("utf-8", errors="replace")
        except OSError:
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
