"""Whether a candidate was written yet: a shim as `exuvia scaffold` left it calls legacy, so it has no speed of its own.

It is read off the source; nothing is imported.
"""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.errors import MigrateError
from exuvia.migrate.worth.source import find_module, find_unit, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exuvia.migrate.worth.source import UnitSource

__all__ = ["unwritten"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def unwritten(unit: str, candidate: str, roots: Sequence[Path | str] | None = None) -> str | None:
    """Say where and why a candidate is none yet, or `None` if it may be one.

    Args:
        unit: What it is to replace, `package.module:name`.
        candidate: `package.module:name`.
        roots: Folders to look in, else `sys.path` after this folder.
    """
    module = candidate.partition(":")[0]
    if not _is_there(module, roots):
        return f"there is no module {module}, of which exuvia scaffold {unit} writes a first shim"
    above, name = candidate.rpartition(".")[0], candidate.rpartition(".")[2]
    inside = "." in candidate.partition(":")[2]
    holder = _found(above, roots) if inside else None
    found = _found(candidate, roots)
    if inside and holder is not None and found is None:
        # A method that it has from its base alone.
        of_legacy = _extends_legacy(holder, unit)
        return f"{_shown(holder)} takes {name} from legacy's class" if of_legacy else None
    if found is None or found.path is None or found.compiled:
        return None
    if found.name == unit:
        return f"{candidate} is legacy's own"
    tree = parse(found.path)
    held = set(_held(tree)) if tree is not None else set()
    if isinstance(found.node, ast.ClassDef):
        why = _of_class(found.node, held, of_legacy=_extends_legacy(found, unit))
    else:
        why = _of_function(found.node, held, of_legacy=holder is not None and _extends_legacy(holder, unit))
    return None if why is None else f"{_shown(found)} {why}"


def _is_there(module: str, roots: Sequence[Path | str] | None) -> bool:
    """Whether a module is found, where what is installed says it too; nothing but its package is asked."""
    if find_module(module, roots) is not None:
        return True
    top, _, rest = module.partition(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return True
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return spec is not None and (not rest or find_module(rest, places) is not None)


def _found(name: str, roots: Sequence[Path | str] | None) -> UnitSource | None:
    try:
        return find_unit(name, roots)
    except MigrateError:
        return None


def _extends_legacy(found: UnitSource, unit: str) -> bool:
    """Whether a class is made of legacy's own, which what is replaced is or is a method of."""
    tree = parse(found.path) if found.path is not None else None
    if tree is None or not isinstance(found.node, ast.ClassDef):
        return False
    module, _, qualname = unit.partition(":")
    homes: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            homes |= {one.asname or one.name: one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            homes |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    legacys = f"{module}.{qualname.partition('.')[0]}"
    for base in found.node.bases:
        head, _, last = ast.unparse(base).rpartition(".")
        if legacys == (f"{homes.get(head, head)}.{last}" if head else homes.get(last)):
            return True
    return False


def _of_class(node: ast.ClassDef, held: set[str], *, of_legacy: bool) -> str | None:
    """Why none of the methods is written; a class without any is legacy's by its base."""
    methods = [child for child in node.body if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))]
    whys = [_of_function(method, held, of_legacy=of_legacy) for method in methods]
    if any(why is None for why in whys) or not (whys or of_legacy):
        return None
    return next((why for why in whys if why is not None), "adds nothing to legacy's class")


def _of_function(node: ast.AST | None, held: set[str], *, of_legacy: bool) -> str | None:
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
    called = value.func if isinstance(value, ast.Call) else None
    is_legacys = called is not None and _is_legacys(called, held, node, of_legacy=of_legacy)
    return "still calls legacy" if is_legacys else None


def _says_nothing(node: ast.stmt) -> bool:
    """Whether a statement is a docstring, `...` or `pass`."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _is_legacys(called: ast.expr, held: set[str], within: _Function, *, of_legacy: bool) -> bool:
    """Whether what is called is legacy's, as the shim writes it: `_f(…)`, `super().f(…)`, either within a cast."""
    if isinstance(called, ast.Attribute):
        return of_legacy and called.attr == within.name and _is_super(_uncast(called.value))
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


def _shown(found: UnitSource) -> str:
    path, here = found.path or Path(), Path.cwd()
    return f"{path.relative_to(here).as_posix() if here in path.parents else path}:{found.first}"
