"""What can be said of a unit before its module is imported: whether it is there, and fits its candidate.

Install imports nothing that the program might never import, so it reads the source instead.
"""

from __future__ import annotations

import ast
import difflib
import functools
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.migrate.dispatch import canary, functions, hook, selfsame, whereabouts
from exuvia.migrate.own import os

if TYPE_CHECKING:
    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["refuse", "words_of"]

_DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)


def refuse(config: Config, unit: UnitConfig) -> None:
    """Refuse a unit whose module cannot be found, does not mention its name, or defines another signature.

    Args:
        config: The configuration.
        unit: The unit, whose module is not imported yet.

    Raises:
        ConfigError: Naming the line.
        MigrateError: For another signature.
    """
    legacy = _check(config, unit, unit.name, None)
    _refuse_another_name(config, unit)
    candidate = _check(config, unit, unit.candidate, "candidate")
    if callable(legacy):
        canary.refuse(config, unit, legacy)
    if callable(legacy) and callable(candidate):
        functions.refuse_other_signature(f"{config.path}:{unit.line}", unit, legacy, candidate)


def _check(config: Config, unit: UnitConfig, name: str, key: str | None) -> Any:
    module, _, qualname = name.partition(":")
    loaded = sys.modules.get(module)
    if loaded is not None:
        return getattr(loaded, qualname, None)
    try:
        path = hook.origin(module)
    except Exception:
        return None
    if path is None:
        raise whereabouts.refused(config, unit, module, key)
    if not path.endswith(".py"):
        return None
    try:
        tree, plain = _read(path)
    except (OSError, ValueError, SyntaxError):
        return None
    if plain:
        for part in qualname.split("."):
            # What defines it is looked at first, which is soon done; a name may also be made by a text.
            if part not in _defined(tree) and part not in (words := _words(tree)):
                close = ", ".join(map(repr, difflib.get_close_matches(part, words, n=3))) or "nothing like it"
                raise config.refuse(unit.name, f"{name!r} is unknown: {part!r} is not there; there is {close}", key)
    found = _functions(tree).get(qualname, [])
    return _bare(found[0]) if len(found) == 1 and not found[0].decorator_list else None


def _refuse_another_name(config: Config, unit: UnitConfig) -> None:
    """Refuse a candidate that its module only imports from legacy's, as far as a look at the source tells."""
    module, _, qualname = unit.candidate.partition(":")
    try:
        path = None if module in sys.modules else hook.origin(module)
        taken = _taken(_read(path)[0]) if path and path.endswith(".py") else ()
    except Exception:
        return
    for node in taken:
        package = module.split(".") if Path(path or "").stem == "__init__" else module.split(".")[:-1]
        above = package[: len(package) - node.level + 1] if node.level else []
        if ".".join([*above, *filter(None, [node.module])]) != unit.module:
            continue
        if any(alias.name == unit.qualname and (alias.asname or alias.name) == qualname for alias in node.names):
            raise selfsame.refusal(config, unit, f"it is {unit.qualname} itself")


def words_of(path: Path) -> frozenset[str]:
    """Return the words of a module's code; none where what it names cannot be told from them.

    Docstrings and comments are no code: what only they name is not there.

    Args:
        path: Its file.
    """
    try:
        text = path.read_text(encoding="utf-8")
        words = _words(_parsed(text)) if path.suffix == ".py" else frozenset()
    except (OSError, ValueError, SyntaxError):
        return frozenset()
    return frozenset() if "import *" in text or "__getattr__" in words else words


def _read(path: str) -> tuple[ast.Module, bool]:
    """A module's tree, and whether its names are all in it; a file that did not change is not read again."""
    held = os.stat(path)
    return _read_as(path, (held.st_mtime_ns, held.st_size, held.st_ino))


@functools.lru_cache(maxsize=64)
def _read_as(path: str, _stamp: tuple[int, ...]) -> tuple[ast.Module, bool]:
    text = Path(path).read_text(encoding="utf-8")
    return _parsed(text), "import *" not in text and "__getattr__" not in text


@functools.lru_cache(maxsize=64)
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


@functools.lru_cache(maxsize=64)
def _functions(tree: ast.Module) -> dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]]:
    found: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = {}
    for node in tree.body:
        if isinstance(node, _DEFS):
            found.setdefault(node.name, []).append(node)
    return found


@functools.lru_cache(maxsize=64)
def _taken(tree: ast.Module) -> list[ast.ImportFrom]:
    return [node for node in tree.body if isinstance(node, ast.ImportFrom)]


@functools.lru_cache(maxsize=64)
def _defined(tree: ast.Module) -> frozenset[str]:
    """The names that statements of a module and of its classes define or import."""
    found, waiting = set[str](), [*tree.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (*_DEFS, ast.ClassDef)):
            found.add(node.name)
            waiting += node.body if isinstance(node, ast.ClassDef) else []
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {each.asname or each.name for each in node.names}
        elif isinstance(node, (ast.If, ast.Try)):
            waiting += [*node.body, *node.orelse]
    return frozenset(found)


@functools.lru_cache(maxsize=64)
def _words(tree: ast.Module) -> frozenset[str]:
    """Every word in the code: names, and those in texts that something may read, as `globals()["price"]` does."""
    found = set[str]()
    waiting: list[object] = [tree]
    # Large modules have tens of thousands of nodes: `ast.walk` takes several times as long.
    while waiting:
        held = waiting.pop()
        if isinstance(held, str):
            if held.isascii() and held.isidentifier():
                found.add(held)
            else:
                found.update(re.findall(r"[^\W\d]\w*", held))
        elif isinstance(held, list):
            waiting += held
        elif isinstance(held, ast.AST) and not (isinstance(held, ast.Expr) and isinstance(held.value, ast.Constant)):
            # A text that stands alone, as a docstring does, is said to nobody.
            waiting += [each for each in vars(held).values() if type(each) is not int]
    return frozenset(found)


def _bare(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Any:
    """A function of the same signature that does nothing; its defaults are `None`."""
    given = node.args
    arguments = ast.arguments(
        posonlyargs=[ast.arg(each.arg) for each in given.posonlyargs],
        args=[ast.arg(each.arg) for each in given.args],
        vararg=ast.arg(given.vararg.arg) if given.vararg else None,
        kwonlyargs=[ast.arg(each.arg) for each in given.kwonlyargs],
        kw_defaults=[None if each is None else ast.Constant(None) for each in given.kw_defaults],
        kwarg=ast.arg(given.kwarg.arg) if given.kwarg else None,
        defaults=[ast.Constant(None) for _ in given.defaults],
    )
    bare = ast.Expression(ast.Lambda(args=arguments, body=ast.Constant(None)))
    return eval(compile(ast.fix_missing_locations(bare), "<signature>", "eval"), {})  # noqa: S307 - no code of the file's
