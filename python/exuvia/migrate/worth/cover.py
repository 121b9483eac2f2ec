"""How much of a unit tests execute: from `coverage.json` or `.coverage`, else which tests import it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import CodeType

    from exuvia.migrate.worth.source import UnitSource

__all__ = ["Coverage", "read"]


@dataclass(slots=True)
class Coverage:
    """Executed lines of files.

    Attributes:
        source: The file that says so.
        executed: Line numbers by resolved path.
    """

    source: Path
    executed: dict[str, set[int]]

    def of(self, unit: UnitSource) -> float | None:
        """Return the share of a unit's lines that tests execute, `None` if its file was not measured.

        Args:
            unit: The unit.
        """
        if unit.path is None or unit.compiled:
            return None
        ran = self.executed.get(str(unit.path))
        if ran is None:
            return None
        lines = {line for line in _executable(unit.path) if unit.first < line <= unit.last}
        return len(lines & ran) / len(lines) if lines else None


def read(root: Path) -> Coverage | None:
    """Read what the coverage tool left in a folder: `coverage.json`, else `.coverage`.

    Args:
        root: The folder.

    Returns:
        `None` if there is nothing, or nothing that can be read.
    """
    for name, reader in (("coverage.json", _from_json), (".coverage", _from_data)):
        path = root / name
        if path.is_file():
            try:
                return Coverage(path, reader(path))
            except (OSError, ValueError, KeyError, TypeError, sqlite3.Error):
                continue
    return None


def _from_json(path: Path) -> dict[str, set[int]]:
    files: dict[str, Any] = json.loads(path.read_bytes())["files"]
    return {str((path.parent / name).resolve()): set(said["executed_lines"]) for name, said in files.items()}


def _from_data(path: Path) -> dict[str, set[int]]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        names = dict(connection.execute("select id, path from file"))
        executed: dict[str, set[int]] = {}
        for number, bits in connection.execute("select file_id, numbits from line_bits"):
            lines = executed.setdefault(str((path.parent / names[number]).resolve()), set())
            lines.update(at * 8 + bit for at, byte in enumerate(bits) for bit in range(8) if byte >> bit & 1)
        for number, start, end in connection.execute("select file_id, fromno, tono from arc"):
            lines = executed.setdefault(str((path.parent / names[number]).resolve()), set())
            lines.update(line for line in (start, end) if line > 0)
    finally:
        connection.close()
    return executed


def _executable(path: Path) -> set[int]:
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError):
        return set()
    return set(_lines(code))


def _lines(code: CodeType) -> Iterator[int]:
    for _, _, line in code.co_lines():
        if line:
            yield line
    for constant in code.co_consts:
        if hasattr(constant, "co_lines"):
            yield from _lines(constant)
