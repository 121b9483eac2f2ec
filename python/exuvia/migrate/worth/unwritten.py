"""Whether a candidate was written yet: a shim as `exuvia scaffold` left it calls legacy, so it has no speed of its own.

It is read off the source; nothing is imported.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.errors import MigrateError
from exuvia.migrate.worth.source import find_unit, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["unwritten"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def unwritten(unit: str, candidate: str, roots: Sequence[Path | str] | None = None) -> str | None:
    """Say where and why a candidate is none yet, or `None` if it may be one.

    Args:
        unit: What it is to replace, `package.module:name`.
        candidate: `package.module:name`.
        roots: Folders to look in, else `sys.path` after this folder.
    """
    owner = candidate.partition(":")[2].rpartition(".")[0]
    try:
        found = find_unit(candidate, roots)
    except MigrateError:
        return _inherited(unit, candidate, roots) if owner else None
    if found.name == unit:
        return f"{candidate} is legacy's own"
    if found.path is None or found.compiled:
        return None
    tree = parse(found.path)
    held = set(_held(tree)) if tree is not None else set()
    why = _of_class(found.node, held) if isinstance(found.node, ast.ClassDef) else _of_function(found.node, held)
    return None if why is None else f"{_shown(found.path)}:{found.first} {why}"


def _inherited(unit: str, candidate: str, roots: Sequence[Path | str] | None) -> str | None:
    """A method that the candidate's class does not define, where that class is one of legacy's."""
    above, name = candidate.rpartition(".")[0], candidate.rpartition(".")[2]
    try:
        found = find_unit(above, roots)
    except MigrateError:
        return None
    owner = unit.partition(":")[2].partition(".")[0]
    if not isinstance(found.node, ast.ClassDef) or found.path is None:
        return None
    bases = {ast.unparse(base).rpartition(".")[2] for base in found.node.bases}
    return f"{_shown(found.path)}:{found.first} takes {name} from legacy's class" if owner in bases else None


def _of_class(node: ast.ClassDef, held: set[str]) -> str | None:
    """Why none of the methods is written; a class without any is legacy's by its base."""
    methods = [child for child in node.body if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))]
    whys = [_of_function(method, held) for method in methods]
    if any(why is None for why in whys) or not node.bases:
        return None
    return next((why for why in whys if why is not None), "adds nothing to legacy's class")


def _of_function(node: ast.AST | None, held: set[str]) -> str | None:
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    body = [child for child in node.body if not _says_nothing(child)]
    if not body:
        return "has no body yet"
    if len(body) != 1:
        return None
    [only] = body
    if isinstance(only, ast.Raise) and only.exc is not None:
        raised = only.exc.func if isinstance(only.exc, ast.Call) else only.exc
        return "raises NotImplementedError" if getattr(raised, "id", "") == "NotImplementedError" else None
    value = only.value if isinstance(only, (ast.Return, ast.Expr)) else None
    value = value.value if isinstance(value, ast.Await) else value
    return "still calls legacy" if isinstance(value, ast.Call) and _is_legacys(value.func, held, node) else None


def _says_nothing(node: ast.stmt) -> bool:
    """Whether a statement is a docstring, `...` or `pass`."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _is_legacys(called: ast.expr, held: set[str], within: _Function) -> bool:
    """Whether what is called is legacy's, as the shim writes it: `_f(…)`, `super().f(…)`, either within a cast."""
    if isinstance(called, ast.Attribute):
        return called.attr == within.name and _is_super(_uncast(called.value))
    inner = _uncast(called)
    return (isinstance(inner, ast.Name) and inner.id in held) or _is_original(inner)


def _uncast(node: ast.expr) -> ast.expr:
    """What is within `cast("Any", …)`."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "cast" and len(node.args) == 2:
        return node.args[1]
    return node


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "super"


def _is_original(node: ast.expr) -> bool:
    """Whether an expression asks exuvia for legacy's own code."""
    name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
    called = node.func if isinstance(node, ast.Call) else None
    return (name or getattr(called, "id", "")) == "original"


def _held(tree: ast.Module) -> Iterator[str]:
    """The names at the top of a file that stand for legacy's own code."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and _is_original(node.value):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _shown(path: Path) -> str:
    here = Path.cwd()
    return path.relative_to(here).as_posix() if here in path.parents else str(path)
