"""Tests that take what exuvia's pytest plug-in gives: they name no module of exuvia, and fail once it is out."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from exuvia.migrate.worth.source import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from exuvia.migrate.workbench.eject.ejection import Ejection

__all__ = ["FIXTURES", "name"]

FIXTURES = ("parity", "saxo_venue")
"""What `exuvia.testing.plugin` declares."""


def name(ejection: Ejection, files: Sequence[Path]) -> None:
    """List every place in tests that needs the plug-in: what a person has to write otherwise.

    A fixture of that name that the project declares itself is not exuvia's.

    Args:
        ejection: Takes what is left to be done by hand.
        files: The Python files that stay.
    """
    trees = [(path, parse(path)) for path in files if _is_test(path)]
    declared = {found.name for _, tree in trees if tree is not None for found in _fixtures(tree)}
    wanted = {fixture for fixture in FIXTURES if fixture not in declared}
    for path, tree in trees:
        shown = path.relative_to(ejection.root).as_posix()
        for line, fixture in sorted(set(_uses(tree, wanted)) if tree is not None else ()):
            ejection.by_hand.append(f"{shown}:{line}: takes {fixture}, which comes from exuvia's pytest plug-in")


def _is_test(path: Path) -> bool:
    return path.name == "conftest.py" or path.name.startswith("test_") or path.stem.endswith(("_test", "_tests"))


def _fixtures(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_fixture(node):
            yield node


def _is_fixture(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)


def _uses(tree: ast.AST, wanted: set[str]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if node.name.startswith("test") or _is_fixture(node):
                given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                yield from ((node.lineno, f"the fixture {one.arg!r}") for one in given if one.arg in wanted)
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if called in ("usefixtures", "getfixturevalue"):
                yield from ((node.lineno, f"the fixture {text!r}") for text in texts if text in wanted)
            elif called in ("getoption", "getvalue"):
                options = [text for text in texts if "exuvia" in text]
                yield from ((node.lineno, f"the option {text!r}") for text in options)
        elif isinstance(node, ast.Attribute) and node.attr in wanted and ast.unparse(node.value).endswith("mark"):
            yield node.lineno, f"the marker {node.attr!r}"
