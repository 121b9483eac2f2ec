"""Whether a candidate is compiled code, or leads to it: read off the source, without importing anything.

A report must not call Rust what is plain Python, and it is written where nothing of the program may run.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from exuvia.errors import MigrateError
from exuvia.migrate.worth.source import find_module, find_unit, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["is_compiled"]

NAMES = 200
LIBRARIES = frozenset(["numpy", "pandas", "pyarrow", "polars", "scipy", "duckdb", "numba", "sklearn"])
"""Packages with compiled parts of their own: who calls them is written in Python all the same."""
OURS = ("exuvia.migrate", "exuvia.testing", "exuvia.errors", "exuvia.build")


def is_compiled(candidate: str, roots: Sequence[Path | str] | None = None) -> bool:
    """Say whether a candidate is of an extension module, or calls what is.

    >>> is_compiled("exuvia.bars:aggregate"), is_compiled("json:dumps"), is_compiled("nowhere:f")
    (True, False, False)

    Args:
        candidate: `package.module:name`.
        roots: Folders to look in, else `sys.path` after this folder.
    """
    waiting, seen = [candidate], set[str]()
    while waiting and len(seen) < NAMES:
        name = waiting.pop()
        module = name.partition(":")[0]
        top = module.partition(".")[0]
        if name in seen or top in sys.stdlib_module_names or top in LIBRARIES or _is_ours(module):
            continue
        seen.add(name)
        path = find_module(module, roots)
        if path is None:
            continue
        if path.suffix != ".py":
            return True
        waiting += _leads(name, path, roots)
    return False


def _is_ours(module: str) -> bool:
    return any(module == own or module.startswith(f"{own}.") for own in OURS)


def _leads(name: str, path: Path, roots: Sequence[Path | str] | None) -> Iterator[str]:
    """What the names in a definition stand for; of a name that is assigned, those in what is assigned."""
    module, _, qualname = name.partition(":")
    tree = parse(path)
    if tree is None or not qualname:
        return
    first = qualname.partition(".")[0]
    inside: list[ast.AST] = [value for at, value in _assigned(tree) if at == first]
    try:
        found = find_unit(name, roots)
    except MigrateError:
        pass
    else:
        if found.name != name or found.compiled:
            # The file only passes it on.
            yield found.name
        elif found.node is not None:
            inside.append(found.node)
    imported = dict(_imported(tree, module, path))
    defined = {child.name for child in tree.body if hasattr(child, "name")} | {at for at, _ in _assigned(tree)}
    for node in (each for part in inside for each in ast.walk(part)):
        if isinstance(node, ast.Attribute) and (whole := _dotted(node)) is not None:
            head, *rest = whole
            home = imported.get(head, "")
            if home and ":" not in home:
                # `import a.b` binds a, and `a.b.f` is f of a.b.
                yield f"{'.'.join([home, *rest[:-1]])}:{rest[-1]}"
            elif home:
                yield f"{home.replace(':', '.')}:{rest[0]}"
        elif isinstance(node, ast.Name):
            if ":" in (home := imported.get(node.id, "")):
                yield home
            elif node.id in defined:
                yield f"{module}:{node.id}"


def _dotted(node: ast.Attribute) -> list[str] | None:
    """The parts of `a.b.c`; `None` where something else stands before."""
    parts: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    return [inner.id, *reversed(parts)] if isinstance(inner, ast.Name) else None


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))


def _imported(tree: ast.Module, module: str, path: Path) -> Iterator[tuple[str, str]]:
    """The names that imports bind, in functions too, with `module` or `module:name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield (each.asname, each.name) if each.asname else (each.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
            base = package[: len(package) - node.level + 1] if node.level else []
            home = ".".join([*base, *filter(None, [node.module])])
            yield from ((each.asname or each.name, f"{home}:{each.name}") for each in node.names)
