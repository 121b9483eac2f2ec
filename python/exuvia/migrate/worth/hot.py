"""Which functions of a project are hot: by a profile, else by a look at the source."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from exuvia.migrate.worth.imports import is_test
from exuvia.migrate.worth.naming import Names
from exuvia.migrate.worth.source import enclosing, files_of, parse

if TYPE_CHECKING:
    from exuvia.migrate.worth.stacks import Profile

__all__ = ["Hot", "Look", "by_look", "by_profile", "looks"]


class Hot(NamedTuple):
    """A function that may be worth a move.

    Attributes:
        unit: `package.module:name`.
        weight: Its share of the compute, or a score of the look.
        why: In words.
    """

    unit: str
    weight: float
    why: str


def by_profile(profile: Profile, root: Path, most: int = 12) -> list[Hot]:
    """Return the functions of a project in which it computes: each stack counts for its innermost one.

    Args:
        profile: The profile.
        root: The project's folder.
        most: How many.
    """
    whole_project = files_of(root.resolve())
    names = Names(root, whole_project)
    files = [path for path in whole_project if not is_test(path.relative_to(root.resolve()))]
    trees: dict[Path, ast.Module | None] = {}
    homes: dict[str, Path | None] = {}
    found: Counter[str] = Counter()
    for (stack, _, kind), seconds in profile.times.items():
        if kind != "compute":
            continue
        for frame in reversed(stack):
            if frame.file not in homes:
                homes[frame.file] = _home(frame.file, files)
            path = homes[frame.file]
            if path is None:
                continue
            if path not in trees:
                trees[path] = parse(path)
            tree = trees[path]
            name = enclosing(tree, frame.line) if tree is not None else None
            if name is not None:
                found[f"{names.of(path)}:{name}"] += seconds
            break
    whole = profile.total("compute")
    return [
        Hot(unit, seconds / whole, f"{seconds / whole:.0%} of the compute")
        for unit, seconds in found.most_common(most)
        if whole > 0.0
    ]


def _home(file: str, files: list[Path]) -> Path | None:
    """The project's file that a profiler means; it may have cut the first folders."""
    parts = Path(file).parts
    if not parts:
        return None
    if Path(file).is_absolute():
        return next((path for path in files if str(path) == file), None)
    fitting = [path for path in files if path.parts[-len(parts) :] == parts]
    return fitting[0] if len(fitting) == 1 else None


_COMPUTES = (ast.BinOp, ast.Compare, ast.Subscript, ast.AugAssign)
_LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp)
_ENOUGH = 3.0
"""One loop with one line of arithmetic in it, `total += price * size`, is enough: a loop runs it often."""

_SHIMS = frozenset({"candidate", "candidates", "exuvia_shims"})
_EFFECTS = frozenset({"open", "print", "connect", "send", "recv", "post", "get_json", "sleep", "request", "urlopen"})


def by_look(root: Path, most: int = 12) -> list[Hot]:
    """Return the functions of a project that look like compute: arithmetic in loops, no input or output.

    It is a guess, and says so: only a profile knows.

    Args:
        root: The project's folder.
        most: How many.
    """
    fitting = [one for one in looks(root) if not one.against]
    found = [Hot(one.unit, one.score, "arithmetic in loops, by a look at it") for one in fitting]
    return sorted(found, key=lambda hot: -hot.weight)[:most]


class Look(NamedTuple):
    """A function of the project, looked at.

    Attributes:
        unit: `package.module:name`.
        score: How much arithmetic stands in its loops.
        against: The rule that leaves it out; empty if none does.
    """

    unit: str
    score: float
    against: str


def looks(root: Path) -> list[Look]:
    """Look at every function and method of a project, tests left out.

    Args:
        root: The project's folder.
    """
    found: list[Look] = []
    files = files_of(root.resolve())
    names = Names(root, files)
    for path in files:
        if is_test(path.relative_to(root.resolve())):
            continue
        tree = parse(path)
        for node, qualname in _functions(tree, "") if tree is not None else ():
            found.append(Look(f"{names.of(path)}:{qualname}", _score(node), _against(node, names.of(path))))
    return found


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(node: ast.AST, prefix: str) -> list[tuple[_Function, str]]:
    found: list[tuple[_Function, str]] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) and not child.name.startswith("__"):
            found.append((child, f"{prefix}{child.name}"))
        elif isinstance(child, ast.ClassDef):
            found += _functions(child, f"{prefix}{child.name}.")
    return found


def _against(function: _Function, module: str) -> str:
    """The first rule that speaks against a function."""
    for speaks, why in (
        (module.rpartition(".")[2] in ("__main__", ""), "its module is run, not imported"),
        (not _SHIMS.isdisjoint(module.split(".")), "by its module's name it is a candidate, not legacy"),
        (isinstance(function, ast.AsyncFunctionDef), "a coroutine waits"),
        (function.name.startswith("_"), "its name begins with _"),
        (bool(function.decorator_list), "decorated"),
    ):
        if speaks:
            return why
    score = _score(function)
    enough = score >= _ENOUGH and _calculates(function)
    little = "" if enough else "little arithmetic in loops" if score else "no arithmetic in a loop"
    return _effect(function) or little


def _effect(function: _Function) -> str:
    """What a function does besides computing, as far as names tell."""
    for node in ast.walk(function):
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return "a generator"
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in _EFFECTS:
                return f"calls {name}, perhaps an effect"
            if _is_collaborator(node.func):
                return f"calls {ast.unparse(node.func)}, perhaps an effect"
    return ""


def _score(function: _Function) -> float:
    score = 0.0
    for node in ast.walk(function):
        if isinstance(node, _LOOPS):
            score += 1.0 + sum(isinstance(inner, _COMPUTES) for inner in ast.walk(node))
    return score


def _calculates(function: _Function) -> bool:
    """Whether a loop has an operation on what may be numbers: `"%s" % name` and `text + "!"` are none."""
    for node in ast.walk(function):
        for inner in ast.walk(node) if isinstance(node, _LOOPS) else ():
            if isinstance(inner, ast.BinOp) and not any(map(_is_text, (inner.left, inner.right))):
                return True
    return False


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.JoinedStr) or (
        isinstance(value, ast.Constant) and isinstance(value.value, (str, bytes))
    )


def _is_collaborator(called: ast.expr) -> bool:
    """Whether a method of something that the object holds is called, as `self._client.post(…)`: perhaps an effect."""
    holder = called.value if isinstance(called, ast.Attribute) else None
    return isinstance(holder, ast.Attribute) and isinstance(holder.value, ast.Name) and holder.value.id == "self"
