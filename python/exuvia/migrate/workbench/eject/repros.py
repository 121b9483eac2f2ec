"""Tests that `exuvia repro` wrote: those that can run afterwards stay."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from exuvia.migrate.workbench import repro
from exuvia.migrate.workbench.eject.reading import glimpsed
from exuvia.migrate.worth.source import parse, said_to_nobody

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from exuvia.migrate.workbench.eject.ejection import Ejection

__all__ = ["decide"]

_REPRO = re.compile(r'"""[^"]*Written by `exuvia repro ', re.DOTALL)


def decide(ejection: Ejection, path: Path, shims: Mapping[str, str]) -> None:
    """Decide on a test that `exuvia repro` wrote, by what it says at its top: it stays if it can run afterwards.

    Args:
        ejection: Takes it, or a note on it.
        path: A Python file.
        shims: The modules that go with exuvia, with legacy's.
    """
    text = glimpsed(path)
    tree = parse(path) if _REPRO.match(text[:2_000]) is not None else None
    if tree is None:
        return
    needs = _needs(tree, shims)
    if not needs:
        ejection.notes.append(f"{ejection.shown(path)}: exuvia repro wrote it, and it needs no exuvia: it stays")
        return
    for node in tree.body:
        name = getattr(node, "name", "")
        if name and name not in repro.OWN and name != f"test_{path.stem.removeprefix('test_repro_')}":
            ejection.by_hand.append(
                f"{ejection.shown(path, node.lineno)}: {name} is not of exuvia repro, which wrote the rest of the "
                "file: move it elsewhere, or delete it"
            )
            return
    ejection.remove(path, f"exuvia repro wrote it, and it needs {' and '.join(needs)}, which goes")


def _needs(tree: ast.Module, shims: Mapping[str, str]) -> list[str]:
    """What of that which goes a test imports, or loads by its name."""
    going = {"exuvia", *shims}
    found: set[str] = set()
    idle = said_to_nobody(tree)
    for node in ast.walk(tree):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or "", *(f"{node.module}.{one.name}" for one in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in idle:
            names = [node.value.partition(":")[0]]
        for name in names:
            found |= {one for one in going if name == one or name.startswith(f"{one}.")}
    return sorted(found)
