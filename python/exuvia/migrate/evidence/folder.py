"""The evidence folder, opened with care: no symbolic link is followed, nothing of another user is trusted.

Standard library only. What is refused is an `OSError` that says what to do.
"""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

from exuvia.migrate.own import os

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "DAY",
    "SUFFIX",
    "create",
    "day_folders",
    "open_folder",
    "order",
    "read_file",
    "segments",
    "sync_folder",
    "used",
]

SUFFIX = ".seg"
DAY = "date="
_POSIX = os.name == "posix"
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def open_folder(path: Path, *, make: bool = True) -> int | None:
    """Open the folder, so that what is made in it cannot land elsewhere.

    Args:
        path: The folder.
        make: Whether it is made, 0700, if it is missing.

    Returns:
        A descriptor; `None` where the system has none for folders.

    Raises:
        OSError: If it is a symbolic link, belongs to someone else, or others may write in it.
    """
    if make:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _POSIX:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and path.is_symlink():
            raise _refused(path, "it is a symbolic link: name the folder itself as evidence") from None
        raise
    try:
        _check_folder(path, os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check_folder(path: Path, found: os.stat_result) -> None:
    if found.st_mode & _OTHERS:
        raise _refused(path, f"others may write in this folder, and evidence decides what trades: chmod go-w {path}")
    me = os.geteuid()
    if me != 0 and found.st_uid not in (me, 0):
        raise _refused(path, f"the folder belongs to user {found.st_uid}, this process is user {me}")


def create(folder: Path, name: str) -> int:
    """Make a file that was not there, 0600, to be appended to; `sync_folder` makes its name last.

    Args:
        folder: The evidence folder.
        name: The file's name.

    Raises:
        OSError: If there is such a file, or the folder is refused.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
    held = open_folder(folder, make=False)
    if held is None:
        return os.open(folder / name, flags | getattr(os, "O_BINARY", 0), 0o600)
    try:
        return os.open(name, flags | os.O_NOFOLLOW, 0o600, dir_fd=held)
    finally:
        os.close(held)


def read_file(path: Path) -> bytes:
    """Read a file of the evidence.

    Args:
        path: The file.

    Raises:
        OSError: If it is a link or no plain file, belongs to someone else than the folder, or others may write it.
    """
    if not _POSIX:
        return path.read_bytes()
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _refused(path, "it is a symbolic link, and evidence is never one") from None
        raise
    with os.fdopen(descriptor, "rb") as file:
        found, owner = os.fstat(descriptor), path.parent.stat().st_uid
        if not stat.S_ISREG(found.st_mode):
            raise _refused(path, "it is not a plain file")
        if found.st_uid not in (owner, 0, os.geteuid()):
            raise _refused(path, f"it belongs to user {found.st_uid}, the folder to user {owner}")
        if found.st_mode & _OTHERS:
            raise _refused(path, f"others may write it: what it says proves nothing (chmod go-w {path})")
        return file.read()


def _refused(path: Path, why: str) -> OSError:
    return PermissionError(errno.EPERM, f"refused: {why}", str(path))


def segments(folder: Path) -> list[Path]:
    """Return the segment files of a folder in order of their process's start, then of their number.

    Args:
        folder: The evidence folder; if it is missing there are none.
    """
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.name.endswith(SUFFIX)), key=lambda path: order(path.name))


def order(name: str) -> tuple[str, int]:
    """Return by what segments are sorted: the tenth of a process comes after its second.

    >>> sorted(["17-desk-4-10.seg", "17-desk-4-2.seg"], key=order)
    ['17-desk-4-2.seg', '17-desk-4-10.seg']

    Args:
        name: The file's name.
    """
    start, _, number = name.removesuffix(SUFFIX).rpartition("-")
    return start, int(number) if number.isdecimal() and number.isascii() else 0


def day_folders(folder: Path) -> list[Path]:
    """Return the folders of compacted days, oldest first.

    Args:
        folder: The evidence folder.
    """
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name.startswith(DAY) and path.is_dir())


def used(folder: Path) -> int:
    """Return the bytes that segments and compacted days take.

    Args:
        folder: The evidence folder.
    """
    return sum(_sizes(folder, 0))


def _sizes(folder: str | os.PathLike[str], depth: int) -> Iterator[int]:
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if entry.is_file(follow_symlinks=False):
                    yield entry.stat(follow_symlinks=False).st_size
                elif depth < 2 and entry.is_dir(follow_symlinks=False):
                    yield from _sizes(entry.path, depth + 1)
            except FileNotFoundError:
                continue


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable.

    Args:
        folder: Any folder.

    Raises:
        OSError: As the system says.
    """
    if not _POSIX:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
