"""Writing the mode journal: one entry, forced to the disk, before anything else is told.

Writers take turns by a lock that ends with its process. One that raises something must have it; a rollback waits
for it two seconds at most and then writes all the same: a process that was stopped with the lock in its hand must not
keep a desk from going back. Nor must a full disk: beside the journal lies a file of nothing, `modes.room`, that is
given up for the entry.
"""

from __future__ import annotations

import contextlib
import errno
import getpass
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.descriptor import Held
from exuvia.migrate.modes import entries, lock
from exuvia.migrate.modes.said import HEAD, JOURNAL, Journal, read
from exuvia.migrate.own import json, os, socket, time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["FULL", "ROOM", "Pen", "append", "keep_room", "open_journal"]

WAIT_S = 2.0
PATIENT_S = 10.0
TRIES = 20
ROOM = "modes.room"
ROOM_BYTES = 64 * 1024
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class Pen:
    """The journal, open for writing.

    Args:
        folder: The evidence folder.
        descriptor: The open file.
        locked: Whether this process holds the lock.
    """

    def __init__(self, folder: Path, descriptor: Held, *, locked: bool) -> None:
        self.folder, self.locked = folder, locked
        self._descriptor = descriptor

    def read(self) -> Journal:
        """Read the journal as it is under the lock."""
        return read(self.folder)

    def append(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Append one entry and force it to the disk.

        Args:
            entry: What it says; format, time, person and host are added.

        Returns:
            The entry as written.

        Raises:
            MigrateError: If it raises something and the lock or a journal to be trusted is missing.
            OSError: If it could not be made durable.
        """
        try:
            whole = self._append(entry)
        except OSError as error:
            if error.errno not in FULL or not _give_room(self.folder):
                raise
            return self._append(entry)
        keep_room(self.folder)
        return whole

    def _append(self, entry: dict[str, Any]) -> dict[str, Any]:
        path = self.folder / JOURNAL
        text = entries.parse(path.read_bytes())
        now = time.time_ns()
        whole: dict[str, Any] = {
            "v": entries.FORMAT,
            "kind": "mode",
            "at": datetime.fromtimestamp(now / 1e9, UTC).isoformat(),
            "ns": now,
            **entry,
            "who": user(),
            "host": socket.gethostname(),
        }
        broken = self.read().broken
        chained = self.locked and broken is None
        if chained:
            whole["prev"] = text.heads[-1]
        elif not entries.lowers(whole):
            held = f"another process has held {path} for {PATIENT_S:g} s"
            raise MigrateError(f"nothing is raised: {broken or held}; find out who, then try again")
        line = json.dumps(whole).encode()
        ended = _ended(self._descriptor.number())
        data = (b"" if ended else b"\n\n" if text.torn else b"\n") + line + b"\n"
        size = os.fstat(self._descriptor.number()).st_size
        written = os.write(self._descriptor.number(), data)
        if written != len(data):
            if self.locked and os.fstat(self._descriptor.number()).st_size == size + written:
                os.ftruncate(self._descriptor.number(), size)
            full = f"only {written} of {len(data)} bytes could be written: is the disk full?"
            raise OSError(errno.ENOSPC, full, str(path))
        os.fsync(self._descriptor.number())
        sync_folder(self.folder)
        if chained:
            # The entry stands by now. A head that lags is no harm: it shows fewer missing lines than it could.
            with contextlib.suppress(OSError):
                self._write_head(len(text.heads), entries.fold(text.heads[-1], line))
        return whole

    def _write_head(self, count: int, head: str) -> None:
        new = self.folder / f"{HEAD}.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, json.dumps({"v": entries.FORMAT, "count": count, "head": head}).encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        new.replace(self.folder / HEAD)
        sync_folder(self.folder)


def keep_room(folder: Path) -> None:
    """Keep room for an entry on a disk that is full later; it never raises.

    Args:
        folder: The evidence folder, which exists.
    """
    path = folder / ROOM
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    with contextlib.suppress(OSError):
        if (path.exists() and path.stat().st_size >= ROOM_BYTES) or shutil.disk_usage(folder).free < 4 * ROOM_BYTES:
            return
        descriptor = os.open(path, flags, 0o600)
        try:
            # No zeros: a file system that compresses them would keep no room.
            os.write(descriptor, os.urandom(ROOM_BYTES))
        finally:
            os.close(descriptor)


def _give_room(folder: Path) -> bool:
    """Give up what was kept; whether there was anything."""
    try:
        (folder / ROOM).unlink()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def open_journal(folder: Path, *, lowers: bool = False) -> Iterator[Pen]:
    """Open the journal for writing, alone if the lock can be had.

    Args:
        folder: The evidence folder, made if it is missing.
        lowers: Whether only something that lowers will be written: that waits for no one long.

    Raises:
        OSError: If the folder or file cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        place = next((path for path in (folder, *folder.parents) if path.exists() and not path.is_dir()), folder)
        what = "a file stands where the evidence folder must be"
        raise type(error)(
            f"{place}: {what}: move it away, or name another folder with --evidence or `evidence` in exuvia.toml; "
            "nothing was written"
        ) from None
    descriptor, locked = _open(folder / JOURNAL, WAIT_S if lowers else PATIENT_S)
    try:
        yield Pen(folder, descriptor, locked=locked)
    finally:
        descriptor.close()


def _open(path: Path, wait_s: float) -> tuple[Held, bool]:
    """Open and lock the file that the name stands for, also if someone moved it away meanwhile."""
    for _ in range(TRIES):
        descriptor = Held(_opened(path))
        # The lock of another may be waited for: meanwhile the program may close this file, and is waited for no more.
        locked = lock.take(descriptor, wait_s)
        try:
            if descriptor.here and os.path.samestat(os.fstat(descriptor.number()), path.stat()):
                return descriptor, locked
        except FileNotFoundError:
            pass
        descriptor.close()
    raise OSError(f"{path} is being replaced again and again: something else writes it")


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    try:
        return os.open(path, flags, 0o600)
    except OSError as error:
        # A name needs room too.
        if error.errno not in FULL or not _give_room(path.parent):
            raise
    return os.open(path, flags, 0o600)


def append(folder: Path, unit: str, mode: str, reason: str, *, break_glass: str | None = None, **more: Any) -> None:
    """Append the mode of a unit and force it to the disk.

    Args:
        folder: The evidence folder, made if it is missing.
        unit: The unit's name, or `*` for all.
        mode: The mode.
        reason: Why; it is kept with the user's name and the time.
        break_glass: Why the unit goes up without a PASS.
        **more: What else the entry says.

    Raises:
        MigrateError: If it raises something and another writer does not let go.
        OSError: If the entry could not be made durable.
    """
    entry = {"unit": unit, "mode": mode, "reason": reason, **more}
    if break_glass is not None:
        entry["break_glass"] = break_glass
    with open_journal(folder, lowers=entries.lowers(entry)) as pen:
        pen.append(entry)


def _ended(descriptor: int) -> bool:
    """Whether the file is empty or ends in a newline."""
    size = os.fstat(descriptor).st_size
    if not size:
        return True
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"


def sync_folder(folder: Path) -> None:
    """Force a folder's list of names to the disk.

    Args:
        folder: The folder.
    """
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def user() -> str:
    """Return who this process runs as; the environment has no say where the system knows."""
    if hasattr(os, "getuid"):
        try:
            import pwd  # noqa: PLC0415 - POSIX only

            return pwd.getpwuid(os.getuid()).pw_name
        except (KeyError, ImportError):
            return str(os.getuid())
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"
