"""Records that are only ever added to: JSON lines, forced to the disk, refused whole where one cannot be read.

What says since when a count counts must not be guessed: a line that is no record makes every verdict that needs the
file an error, which names file, line and text. Standard library only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from exuvia.errors import MigrateError
from exuvia.migrate.modes.said import refuse_writable_by_others
from exuvia.migrate.own import json, os

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["append", "read"]

T = TypeVar("T")


def append(path: Path, record: dict[str, Any]) -> None:
    """Add a record, and return when the disk has it.

    Args:
        path: The file; it and its folder are made if they are missing, for their owner only.
        record: Plain values.

    Raises:
        OSError: It cannot be written, or only a part of it was.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = json.dumps(record).encode() + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        written = os.write(descriptor, line)
        if written != len(line):
            raise OSError(f"only {written} of {len(line)} bytes were written: the last line of {path} is to be removed")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path, what: str, taken: Callable[[dict[str, Any]], T]) -> list[T]:
    """Return the records, oldest first; none where there is no file.

    Args:
        path: The file.
        what: What a line should be, for the error: "not a restart of a count".
        taken: Takes what is wanted out of a line; a ValueError, KeyError, TypeError or AttributeError says that it is
            none.

    Raises:
        MigrateError: The file cannot be read, others may write it, or a line is no such record.
    """
    try:
        refuse_writable_by_others(path)
        texts = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise MigrateError(f"{path} cannot be read: {error}") from None
    found = []
    for number, text in enumerate(texts, 1):
        try:
            found.append(taken(json.loads(text)))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise MigrateError(f"{path}:{number}: {what}: {text[:80]!r}") from None
    return found
