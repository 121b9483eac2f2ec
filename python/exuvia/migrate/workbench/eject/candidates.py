"""Which files are shims, which go, and which candidates a user wrote: those stay."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exuvia.migrate.workbench.eject.reading import glimpsed
from exuvia.migrate.workbench.scaffold import MARK
from exuvia.migrate.workbench.starting import SHIMS
from exuvia.migrate.worth.imports import read
from exuvia.migrate.worth.naming import Names
from exuvia.migrate.worth.source import parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from exuvia.migrate.config import Config
    from exuvia.migrate.workbench.eject.ejection import Ejection
    from exuvia.migrate.worth.imports import Graph

__all__ = ["Shims", "sort", "why_gone"]

_WRITTEN = re.compile(re.escape(MARK) + r"\s+\"\"\"Shim of `(?P<legacy>[\w.]+)`")


@dataclass(slots=True)
class Shims:
    """The modules that are shims.

    Attributes:
        legacy: Legacy's module by the name of its shim.
        doubtful: What a name is that other files have too.
    """

    legacy: dict[str, str] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)


def sort(ejection: Ejection, config: Config | None, files: list[Path]) -> tuple[Shims, set[Path], set[Path]]:
    """Tell shims from candidates that a user wrote.

    Args:
        ejection: Takes a note for each of a user's.
        config: The configuration, which names candidates; without it only what `exuvia scaffold` wrote is a shim.
        files: The Python files of the project.

    Returns:
        The shims, the files that go, and the files of a user's candidates that nothing imports.
    """
    names = Names(ejection.root, files)
    by_name: dict[str, list[Path]] = {}
    for path in files:
        for name in names.all_of(path):
            by_name.setdefault(name, []).append(path)
    legacy: dict[Path, str] = {}
    mine: list[tuple[str, Path]] = []
    # `exuvia scaffold` wrote it, whether a unit names it by now or not.
    written = {path: found["legacy"] for path in files if (found := _WRITTEN.match(glimpsed(path)))}
    for unit in config.units.values() if config is not None else ():
        module = unit.candidate.partition(":")[0]
        paths = by_name.get(module, []) if module != unit.module else []
        for path in paths:
            if not _is_shim(path):
                mine.append((module, path))
            elif len(paths) == 1 or path not in written:
                legacy[path] = unit.module
    legacy = {**written, **legacy}
    gone = set(legacy)
    for folder in {path.parent for path in gone if path.parent.name == SHIMS}:
        if {path for path in folder.glob("*.py") if path.name != "__init__.py"} <= gone:
            gone |= set(folder.glob("*.py"))
    graph = read(ejection.root) if mine else None
    alone = set()
    for module, path in dict.fromkeys(mine):
        note = f"{ejection.shown(path)} is a candidate that you wrote: it stays"
        if graph is not None and _imported(graph, module, path):
            note += ", what imports it goes on using it"
        else:
            alone.add(path)
            note += "".join(f"; exuvia is used in it at line {line}" for line in _first_use(path))
        ejection.notes.append(note)
    return _named(ejection, by_name, legacy), gone, alone


def _named(ejection: Ejection, by_name: Mapping[str, list[Path]], legacy: Mapping[Path, str]) -> Shims:
    """Say which names are of shims, and which may be another file's too."""
    shims = Shims()
    for module, paths in by_name.items():
        homes = {legacy.get(path, "") for path in paths}
        if len(homes) == 1 and homes != {""}:
            shims.legacy[module] = homes.pop()
        elif homes != {""}:
            shims.doubtful[module] = _doubt(ejection, paths, legacy)
    return shims


def _doubt(ejection: Ejection, paths: list[Path], legacy: Mapping[Path, str]) -> str:
    """What the files of one name are: where a program starts says which of them an import takes."""
    shown = {path: ejection.shown(path) for path in paths}
    each = [f"{shown[path]}, a shim of {legacy[path]}" if path in legacy else shown[path] for path in paths]
    going = " and ".join(shown[path] for path in paths if path in legacy)
    return f"{' or '.join(each)}: import legacy's where a shim is meant, and delete {going} yourself"


def _is_shim(path: Path) -> bool:
    """Whether a file is exuvia's to remove: by the mark that `exuvia scaffold` writes, or by its folder."""
    return path.parent.name == SHIMS or glimpsed(path).startswith(MARK)


def why_gone(path: Path) -> str:
    """Return why a shim's file goes: by its mark, or by its folder."""
    if path.name == "__init__.py":
        return f"the package of shims, {SHIMS}, has nothing else in it"
    marked = glimpsed(path).startswith(MARK)
    return "exuvia scaffold wrote it" if marked else f"it lies in {SHIMS}"


def _imported(graph: Graph, module: str, path: Path) -> bool:
    """Whether another file of the project imports a module."""
    return any(
        file.path != path and (module in file.modules or any(home == module for home, _ in file.names))
        for file in graph.files
    )


def _first_use(path: Path) -> list[int]:
    """The first line on which a file imports exuvia, if it does."""
    tree = parse(path)
    for node in ast.walk(tree) if tree is not None else ():
        names = [found.name for found in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        if any(name.partition(".")[0] == "exuvia" for name in names):
            return [node.lineno]  # type: ignore[attr-defined]  # an import has a line
    return []
