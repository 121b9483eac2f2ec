"""Where a unit stands in the source: its file and lines, found without importing anything."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass, field
from functools import cached_property
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.errors import MigrateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exuvia.migrate.worth.stacks import Frame

__all__ = ["UnitSource", "enclosing", "files_of", "find_module", "find_unit", "parse", "said_to_nobody"]

SKIPPED = frozenset({
    ".git", ".hg", ".venv", "venv", "env", "node_modules", "__pycache__", "site-packages", "build", "dist", "target",
    ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox", ".eggs", "evidence",
})  # fmt: skip
MODULES = 20_000


@dataclass(frozen=True)
class UnitSource:
    """One unit in the source.

    Attributes:
        name: `package.module:name`.
        path: The file, or `None` for a compiled or missing module.
        first: Its first line, decorators included.
        last: Its last line.
        node: Its syntax tree, if it is Python.
        compiled: Whether it is an extension module.
    """

    name: str
    path: Path | None
    first: int = 0
    last: int = 0
    node: ast.AST | None = field(default=None, compare=False, repr=False)
    compiled: bool = False

    @property
    def module(self) -> str:
        """The module."""
        return self.name.partition(":")[0]

    @property
    def qualname(self) -> str:
        """The name inside the module; empty for the whole module."""
        return self.name.partition(":")[2]

    @cached_property
    def _parts(self) -> tuple[str, ...]:
        return self.path.parts if self.path is not None else ()

    def _has(self, method: str, owner: str) -> bool:
        """Whether a method that cProfile names by its class is of this compiled class or is this method.

        A class says by its own choice which module it is of, so the package and the name have to agree.
        """
        name, _, only = self.qualname.partition(".")
        package = self.module.partition(".")[0]
        alike = owner.rpartition(".")[2] == name and owner.partition(".")[0] == package
        return alike and only in ("", method)

    def holds(self, frame: Frame) -> bool:
        """Say whether a frame of a profile is of this unit.

        Profilers cut the first folders of a path: as many of the last ones as they wrote have to agree.

        Args:
            frame: The frame.
        """
        if self.path is None:
            return False
        if self.compiled:
            # cProfile names builtins by their module: `<built-in method pkg._native.total>`.
            called = frame.name.strip("<>{}").rpartition(" ")[2]
            bound = _METHOD.fullmatch(frame.name)
            if bound is not None:
                return frame.file == "~" and self._has(*bound.groups())
            whole = f"{self.module}.{self.qualname}" if self.qualname else f"{self.module}."
            return frame.file == "~" and (called == whole or (not self.qualname and called.startswith(whole)))
        if frame.file != str(self.path):
            parts = Path(frame.file).parts
            if not parts or self._parts[-len(parts) :] != parts:
                return False
        return self.first <= frame.line <= self.last


_METHOD = re.compile(r"<?method '(\w+)' of '([\w.]+)' objects>?")


def find_module(module: str, roots: Sequence[Path | str] | None = None) -> Path | None:
    """Find the file of a module without importing its packages.

    Args:
        module: Its dotted name.
        roots: Folders to look in, else `sys.path` after this folder.

    Returns:
        A `.py` file, a compiled one, or `None`.
    """
    parts = module.split(".")
    for root in roots if roots is not None else ["", *sys.path]:
        base = Path(root or ".").joinpath(*parts)
        endings = [".py", *EXTENSION_SUFFIXES]
        for candidate in (base / "__init__.py", *(base.parent / f"{base.name}{ending}" for ending in endings)):
            if candidate.is_file():
                return candidate.resolve()
    return None


def parse(path: Path) -> ast.Module | None:
    """Parse a file; `None` for one that is not Python (of this version).

    Args:
        path: The file.
    """
    try:
        return ast.parse(path.read_bytes(), str(path))
    except (OSError, SyntaxError, ValueError):
        return None


def said_to_nobody(tree: ast.AST) -> set[ast.expr]:
    """Return the texts of a file that stand alone, docstrings above all: what they name is not used by that.

    Args:
        tree: The file, parsed.
    """
    return {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def find_unit(name: str, roots: Sequence[Path | str] | None = None) -> UnitSource:
    """Find a unit.

    Args:
        name: `package.module:name`, or a whole module.
        roots: As for `find_module`.

    Raises:
        MigrateError: If the module is not there, or nothing of that name is in it; it names what is.
    """
    module, _, qualname = name.partition(":")
    path = find_module(module, roots)
    if path is None:
        where = "beside the program and on sys.path" if roots is None else ", ".join(map(str, roots))
        raise MigrateError(f"unit {name!r}: no module {module!r} was found {where}: run this where the program runs")
    if path.suffix != ".py":
        return UnitSource(name, path, 0, 0, None, compiled=True)
    tree = parse(path)
    if tree is None:
        raise MigrateError(f"unit {name!r}: {path} cannot be parsed by Python {sys.version.split()[0]}")
    if not qualname:
        return UnitSource(name, path, 1, sys.maxsize, tree)
    node: ast.AST = tree
    for part in qualname.split("."):
        named = {child.name: child for child in _definitions(node)}
        if part not in named:
            if node is tree and (home := _imported_from(tree, module, path, part)) is not None:
                return find_unit(f"{home}:{qualname}", roots)
            raise MigrateError(f"unit {name!r}: {path} defines no {part!r}; it has {', '.join(named) or 'nothing'}")
        node = named[part]
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))  # noqa: S101 - for the type checker
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return UnitSource(name, path, first, node.end_lineno or first, node)


def _imported_from(tree: ast.Module, module: str, path: Path, name: str) -> str | None:
    """The module that a name is imported from, where the file only passes it on."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and any((found.asname or found.name) == name for found in node.names):
            if not node.level:
                return node.module
            package = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
            return ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
    return None


def _definitions(node: ast.AST) -> Iterable[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """The definitions of a module or class, those under an `if` or `try` too."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield child
        elif isinstance(child, (ast.If, ast.Try, ast.With, ast.ExceptHandler)):
            yield from _definitions(child)


def files_of(root: Path) -> list[Path]:
    """Return the Python files of a project, caches and environments left out.

    Args:
        root: Its folder.
    """
    found: list[Path] = []
    folders = [root]
    while folders and len(found) < MODULES:
        folder = folders.pop()
        try:
            inside = sorted(folder.iterdir())
        except OSError:
            continue
        for path in inside:
            if path.is_symlink():
                continue
            if path.is_dir():
                if path.name not in SKIPPED and not (path / "pyvenv.cfg").exists():
                    folders.append(path)
            elif path.suffix == ".py":
                found.append(path)
    return sorted(found)


def enclosing(tree: ast.AST, line: int) -> str | None:
    r"""Return the qualified name of the function that holds a line, a function inside of one left out.

    >>> enclosing(ast.parse("class A:\n  def f(self):\n    def g():\n      return 1"), 4)
    'A.f'

    Args:
        tree: A module, or a class in it.
        line: The line.
    """
    for node in _definitions(tree):
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        if first <= line <= (node.end_lineno or first):
            if not isinstance(node, ast.ClassDef):
                return node.name
            inside = enclosing(node, line)
            return None if inside is None else f"{node.name}.{inside}"
    return None
