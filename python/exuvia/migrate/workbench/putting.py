"""Puts a file of a project in place whole or not at all: what a user wrote is never lost to a full disk."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from exuvia import _exuvia

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["put"]


def put(path: Path, text: str) -> None:
    r"""Write a text, its line ends as they are; until the disk has all of it, what was there stays.

    It is written beside the file and renamed. A file that was there keeps its mode, and a link stays one.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     put(pathlib.Path(folder, "a.py"), "one\r\ntwo\n")
    ...     pathlib.Path(folder, "a.py").read_bytes()
    b'one\r\ntwo\n'

    Args:
        path: The file.
        text: All that it shall hold.

    Raises:
        LakeError: If it cannot be written; what was there is still there.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        # A pipe or a device: nothing is lost in it.
        path.write_bytes(text.encode("utf-8"))
        return
    was = path.stat() if path.exists() else None
    # Nobody may read it meanwhile who could not read the file that was there.
    _exuvia.lake_write_atomic(path, text.encode("utf-8"), was is not None)
    if was is None:
        return
    if hasattr(os, "chown"):
        # Only the superuser may give a file back to whom it was of.
        with suppress(PermissionError):
            os.chown(path, was.st_uid, was.st_gid)
    path.chmod(was.st_mode & 0o7777)
