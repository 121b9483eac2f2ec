"""The text of a file with its line ends as they are, so that what goes takes nothing else with it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["end_of", "glimpsed", "is_utf8", "lines_of", "text_of"]


def text_of(path: Path, errors: str = "strict") -> str:
    """Return the text of a file with its line ends as they are.

    Args:
        path: The file.
        errors: What becomes of bytes that are no UTF-8, as `open` has it.

    Raises:
        UnicodeDecodeError: If they may not be there.
    """
    with path.open(encoding="utf-8", errors=errors, newline="") as file:
        return file.read()


def glimpsed(path: Path) -> str:
    """Return the text of a file, for a look: what is no UTF-8 in it is lost."""
    return text_of(path, "replace")


def is_utf8(path: Path) -> bool:
    """Whether a file can be read as text, and so be written again."""
    try:
        text_of(path)
    except UnicodeDecodeError:
        return False
    return True


def lines_of(text: str) -> list[str]:
    """Return the lines of a text as Python counts them, each with its end."""
    return list(io.StringIO(text, newline=""))


def end_of(line: str) -> str:
    """Return how a line ends; the last one of a file may not."""
    return line[len(line.rstrip("\r\n")) :]
