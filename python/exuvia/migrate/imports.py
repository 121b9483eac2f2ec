"""Which files a module's code comes from: its imports within some packages, followed without running anything.

Import statements are found wherever they stand, in functions too; so are `import_module("a.b")` and every text
that names a module of these packages, as plug-in tables and configuration defaults do.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Graph", "Imported", "Source", "closure", "digest", "imports_of"]

_STATEMENT = re.compile(
    r"(?m)(?:^|[;:])[ \t]*("
    r"(?:from(?:[ \t]|\\\n)+[.\w]+(?:[ \t]|\\\n)+import\b[ \t]*(?:\([^)]*\)|(?:[^\n;#\\]|\\\n)*))"
    r"|(?:import[ \t\\](?:[^\n;#\\]|\\\n)*))"
)
_DEEPEST = 10_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What one statement imports.

    Attributes:
        module: The module as written; empty in `from . import x`.
        names: What is taken from it.
        level: Points before it.
    """

    module: str
    names: tuple[str, ...] = ()
    level: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """One file as it was read.

    Attributes:
        digest: Its SHA-256.
        imported: What it imports.
        texts: The quoted texts in it that look like names of modules.
    """

    digest: str
    imported: frozenset[Imported]
    texts: frozenset[str]


_known: dict[str, tuple[tuple[int, int, int], Source]] = {}
_NAMED = re.compile(r"""["']([A-Za-z_]\w*(?:\.\w+)*)(?::\w[\w.]*)?["']""", re.ASCII)


def imports_of(text: str) -> frozenset[Imported]:
    r"""Return everything that a source imports by statement.

    >>> sorted(i.module for i in imports_of("import a.b, c\ndef f():\n    from .d import (e,\n  g)\n"))
    ['a.b', 'c', 'd']

    Args:
        text: The source; what cannot be parsed imports nothing.
    """
    found: set[Imported] = set()
    try:
        for statement in _STATEMENT.findall(text):
            if statement.startswith("import"):
                simple = _plain(statement[6:])
                if simple is not None:
                    found.update(Imported(name) for name in simple)
                    continue
            found.update(_parsed(statement))
    except (SyntaxError, ValueError):
        # A comment within brackets, or words of a docstring: then the whole text is parsed.
        try:
            return frozenset(_parsed(text))
        except (SyntaxError, ValueError):
            return frozenset()
    return frozenset(found)


def _plain(names: str) -> list[str] | None:
    """`a.b, c as d` by hand, being the most frequent; `None` if there is anything else in it."""
    found = []
    for part in names.split(","):
        words = part.split()
        if not words or (len(words) != 1 and (len(words) != 3 or words[1] != "as")):
            return None
        found.append(words[0])
    return found


def _parsed(text: str) -> Iterator[Imported]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (Imported(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield Imported(node.module or "", tuple(alias.name for alias in node.names), node.level)


def read(path: Path) -> Source:
    """Read a file; one that did not change since is not read again.

    Args:
        path: The file; one that cannot be read has the digest `missing`.
    """
    try:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        known = _known.get(str(path))
        if known is not None and known[0] == stamp:
            return known[1]
        data = path.read_bytes()
    except OSError:
        return Source("missing", frozenset(), frozenset())
    text = data.decode("utf-8", "replace") if path.suffix in (".py", ".pyi") else ""
    source = Source(hashlib.sha256(data).hexdigest(), imports_of(text), frozenset(_NAMED.findall(text)))
    _known[str(path)] = (stamp, source)
    return source


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, `missing` if it cannot be read.

    Args:
        path: The file.
    """
    return read(path).digest


class Graph:
    """What imports what, looked up once: for many units at one time, while no file changes."""

    def __init__(self) -> None:
        self._closures: dict[tuple[frozenset[str], frozenset[str]], dict[str, str]] = {}
        self._places: dict[str, tuple[Path | None, bool]] = {}
        self._modules: dict[str, tuple[str | None, str, frozenset[str]]] = {}

    def closure(self, modules: Iterable[str], packages: Iterable[str], *, without: str = "") -> dict[str, str]:
        """Return every file that these modules are made of within some packages, with its SHA-256, by name.

        Args:
            modules: Where to start; they count even if they lie in none of the packages.
            packages: The packages that are followed.
            without: A file that does not count.
        """
        key = frozenset(modules), frozenset(packages)
        if key not in self._closures:
            self._closures[key] = dict(sorted(self._follow(*key).items()))
        found = self._closures[key].copy()
        found.pop(without, None)
        return found

    def _follow(self, modules: frozenset[str], packages: frozenset[str]) -> dict[str, str]:
        files: dict[str, str] = {}
        waiting, within = sorted(modules), tuple(sorted(packages))
        seen: set[str] = set()
        while waiting and len(seen) < _DEEPEST:
            module = waiting.pop()
            if module in seen:
                continue
            seen.add(module)
            if "." in module:
                waiting.append(module.rpartition(".")[0])
            path, digest, imported = self._module(module)
            if path is not None:
                files[path] = digest
                waiting += [name for name in imported if name not in seen and _inside(name, within)]
        return files

    def _module(self, module: str) -> tuple[str | None, str, frozenset[str]]:
        """File, digest and names of what a module imports."""
        if module not in self._modules:
            path, is_package = self._place(module)
            found: tuple[str | None, str, frozenset[str]] = (None, "", frozenset())
            if path is not None:
                source = read(path)
                base = module if is_package else module.rpartition(".")[0]
                names = {name for imported in source.imported for name in self._names(imported, base)}
                found = (str(path), source.digest, frozenset(names | source.texts))
            self._modules[module] = found
        return self._modules[module]

    def _place(self, module: str) -> tuple[Path | None, bool]:
        if module not in self._places:
            self._places[module] = _locate(module)
        return self._places[module]

    def _names(self, imported: Imported, base: str) -> Iterator[str]:
        module = imported.module
        if imported.level:
            parts = base.split(".") if base else []
            parts = parts[: len(parts) - imported.level + 1]
            module = ".".join([*parts, *([module] if module else [])])
        if not module:
            return
        yield module
        yield from (f"{module}.{name}" for name in imported.names if name != "*")


def closure(modules: Iterable[str], packages: Iterable[str]) -> dict[str, str]:
    """Return every file that these modules are made of within some packages, with its SHA-256.

    Args:
        modules: Where to start.
        packages: The packages that are followed.
    """
    return Graph().closure(modules, packages)


def _inside(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _locate(module: str) -> tuple[Path | None, bool]:
    """The file of a module and whether it is a package, without importing it or its parents."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
        return (Path(file).absolute() if file else None), hasattr(loaded, "__path__")
    spec = _spec(module)
    if spec is None:
        return None, False
    origin = Path(spec.origin).absolute() if spec.origin and spec.has_location else None
    return origin, spec.submodule_search_locations is not None


def _spec(module: str) -> ModuleSpec | None:
    parent, _, _ = module.rpartition(".")
    locations: list[str] | None = None
    if parent:
        loaded = sys.modules.get(parent)
        held = getattr(loaded, "__path__", None)
        if held is None:
            above = _spec(parent) if loaded is None else None
            held = above.submodule_search_locations if above is not None else None
        if held is None:
            return None
        locations = list(held)
    try:
        return PathFinder.find_spec(module, locations)
    except (ImportError, ValueError, AttributeError):
        return None
