"""Who imports a unit: the static import graph of a project, names included.

A name that is only mentioned in a text (a plug-in table, `importlib`) is listed apart: it is a hint, no proof. One
in a docstring is not even that: nothing reads it.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exuvia.migrate.worth.naming import Names
from exuvia.migrate.worth.source import files_of, parse, said_to_nobody

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Graph", "Users", "is_test", "read"]

TESTS = ("tests", "test", "testing")
SHIM, ORIGINAL = "Shim of `", ("exuvia.migrate", "original")
"""How a scaffolded shim begins, and what only a candidate asks for."""


@dataclass(slots=True)
class Users:
    """Who uses a unit.

    Attributes:
        importers: Files that import the module or the name, tests left out.
        tests: Test files that do.
        mentions: Files that name it in a text.
        inside: Whether the module itself uses the name.
    """

    importers: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    inside: bool = False


@dataclass(slots=True)
class _File:
    """What one file says: modules and `module:name` it imports, names it reads, texts it holds."""

    path: Path
    module: str
    modules: set[str] = field(default_factory=set)
    names: set[tuple[str, str]] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)
    attributes: set[tuple[str, str]] = field(default_factory=set)
    loads: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    shim: bool = False


@dataclass(slots=True)
class Graph:
    """The files of a project.

    Attributes:
        root: Its folder.
        files: What each file says.
    """

    root: Path
    files: list[_File] = field(default_factory=list)

    def users(self, unit: str, candidates: Iterable[str] = ()) -> Users:
        """Return who uses a unit. What would replace it is none of them, though it may call it.

        Args:
            unit: `package.module:name`, or a whole module.
            candidates: Candidates, as `package.module:name`; shims are known without.
        """
        apart = {candidate.partition(":")[0] for candidate in candidates}
        module, _, qualname = unit.partition(":")
        name = qualname.split(".")[0]
        users = Users()
        for file in self.files:
            shown = file.path.relative_to(self.root).as_posix()
            if file.module == module:
                users.inside = bool(name) and name in file.loads
                continue
            if file.shim or file.module in apart:
                continue
            if self._uses(file, module, name):
                (users.tests if is_test(file.path.relative_to(self.root)) else users.importers).append(shown)
            elif unit in file.texts or (module in file.texts and "." in module):
                users.mentions.append(shown)
        return users

    @staticmethod
    def _uses(file: _File, module: str, name: str) -> bool:
        if not name:
            return module in file.modules or any(found == module for found, _ in file.names)
        return (module, name) in file.names or (module, "*") in file.names or (module, name) in file.attributes


def read(root: Path) -> Graph:
    """Read the import graph of a project.

    Args:
        root: Its folder.
    """
    graph = Graph(root.resolve())
    files = files_of(graph.root)
    names = Names(graph.root, files)
    for path in files:
        tree = parse(path)
        if tree is not None:
            graph.files.append(_read(path, names.of(path), tree))
    return graph


def _read(path: Path, module: str, tree: ast.Module) -> _File:
    file = _File(path, module)
    idle = said_to_nobody(tree)
    file.shim = (ast.get_docstring(tree) or "").startswith(SHIM)
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                file.modules.add(alias.name)
                file.aliases[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            for alias in node.names:
                file.shim = file.shim or (base, alias.name) == ORIGINAL
                file.names.add((base, alias.name))
                file.modules.add(f"{base}.{alias.name}")
                file.aliases[alias.asname or alias.name] = f"{base}.{alias.name}"
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            file.loads.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in idle:
            file.texts.add(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (dotted := _dotted(node)) is not None:
            first, _, rest = dotted.partition(".")
            full = f"{file.aliases.get(first, first)}.{rest}"
            holder, _, name = full.rpartition(".")
            file.attributes.add((holder, name))
    return file


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - node.level + 1])
    return f"{base}.{node.module}" if node.module else base


def _dotted(node: ast.expr) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return ".".join([node.id, *parts]) if isinstance(node, ast.Name) else None


def is_test(path: Path) -> bool:
    """Say whether a file belongs to tests, by its name and folders.

    Args:
        path: The file, relative to the project.
    """
    return (
        path.name.startswith("test_")
        or path.stem.endswith("_test")
        or path.name == "conftest.py"
        or _among(path.parts[:-1])
    )


def _among(folders: Iterable[str]) -> bool:
    return any(folder in TESTS for folder in folders)
