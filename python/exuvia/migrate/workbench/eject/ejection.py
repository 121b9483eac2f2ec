"""What an ejection would change, remove and leave to a person; `write` does it."""

from __future__ import annotations

import difflib
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exuvia.migrate.workbench.eject.reading import lines_of, text_of
from exuvia.migrate.workbench.putting import put

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Ejection", "write"]


@dataclass(slots=True)
class Ejection:
    """What would be changed.

    Attributes:
        root: The project's folder.
        changed: New text by file.
        removed: Files and folders that go.
        why: The reason for each of them.
        by_hand: What no rule covers, each with file and line.
        notes: What stays, and why.
    """

    root: Path
    changed: dict[Path, str] = field(default_factory=dict)
    removed: list[Path] = field(default_factory=list)
    why: dict[Path, str] = field(default_factory=dict)
    by_hand: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def remove(self, path: Path, why: str) -> None:
        """Note a file or folder that goes.

        Args:
            path: The file or folder.
            why: Who wrote it, or why it cannot stay.
        """
        self.removed.append(path)
        self.why[path] = why

    def shown(self, path: Path, line: int | None = None) -> str:
        """Return a file as the project has it.

        Args:
            path: The file.
            line: The line in it that is meant.
        """
        name = path.relative_to(self.root).as_posix()
        return name if line is None else f"{name}:{line}"

    def diff(self) -> str:
        """Return all changes as one unified diff."""
        parts = []
        for path, text in sorted(self.changed.items()):
            name = self.shown(path)
            old, new = lines_of(text_of(path)), lines_of(text)
            parts.append("".join(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")))
        return "".join(parts)


def write(ejection: Ejection) -> None:
    """Do what was planned.

    Args:
        ejection: The plan; it has nothing that is left to be done by hand.
    """
    for path, text in ejection.changed.items():
        put(path, text)
    for path in ejection.removed:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for folder in {path.parent for path in ejection.removed}:
        inside = list(folder.iterdir()) if folder.is_dir() and folder != ejection.root else [folder]
        if all(path.name == "__pycache__" for path in inside):
            shutil.rmtree(folder)
