"""What the top of a module binds: every name in its scope, however it is bound, found without running it."""

from __future__ import annotations

import ast
from typing import NamedTuple

__all__ = ["Bound", "Scope"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Bound(NamedTuple):
    """What a name at the top of a module stands for.

    Attributes:
        line: Where it is bound.
        home: The module and name it is imported from, `a.b:name` or `a.b`; empty for what the file defines itself.
    """

    line: int
    home: str = ""


class Scope(ast.NodeVisitor):
    r"""The names of a module's top level; of one that is bound more than once, the last line.

    >>> scope = Scope(ast.parse("with open(path) as file:\n    from decimal import Decimal as D"))
    >>> scope.bound
    {'file': Bound(line=1, home=''), 'D': Bound(line=2, home='decimal:Decimal')}

    Attributes:
        bound: What may be bound when it runs; a name that it deletes is among them.
        typed: What only a type checker sees bound.
        unknown: Where it may bind names that its text does not say, each with the line.

    Args:
        tree: The module, or a statement of it.
    """

    def __init__(self, tree: ast.AST) -> None:
        self.bound: dict[str, Bound] = {}
        self.typed: dict[str, Bound] = {}
        self.unknown: list[tuple[int, str]] = []
        self._into = self.bound
        self.visit(tree)

    def _bind(self, name: str | None, line: int, home: str = "") -> None:
        if name is not None:
            self._into[name] = Bound(line, home)

    def visit_Import(self, node: ast.Import) -> None:
        """Binds the first part of a dotted name, or what it is called."""
        for one in node.names:
            bound = one.asname or one.name.partition(".")[0]
            self._bind(bound, node.lineno, one.name if one.asname else bound)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Binds each name; all that another module has is not known."""
        base = "." * node.level + (node.module or "")
        for one in node.names:
            if one.name != "*":
                self._bind(one.asname or one.name, node.lineno, f"{base}:{one.name}")
            elif self._into is self.bound:
                self.unknown.append((node.lineno, f"from {base} import *"))

    def visit_If(self, node: ast.If) -> None:
        """Tells what a type checker sees from what runs."""
        test, negated = node.test, False
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, negated = test.operand, True
        for_types, at_run = (node.orelse, node.body) if negated else (node.body, node.orelse)
        if not for_checkers(test):
            self.generic_visit(node)
            return
        for block, names in ((for_types, self.typed), (at_run, self._into)):
            into, self._into = self._into, names
            for inner in block:
                self.visit(inner)
            self._into = into

    def _function(self, node: _Function) -> None:
        self._bind(node.name, node.lineno)
        if node.name == "__getattr__":
            self.unknown.append((node.lineno, "def __getattr__"))
        for outer in [*node.decorator_list, node.args, *([node.returns] if node.returns is not None else [])]:
            self.visit(outer)
        self._globals(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Binds its name, and what its inside declares global."""
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """As any function."""
        self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Binds its name, and what its inside declares global."""
        self._bind(node.name, node.lineno)
        for outer in [*node.decorator_list, *node.bases, *node.keywords]:
            self.visit(outer)
        self._globals(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Its defaults are of the scope around it."""
        self.visit(node.args)

    def _globals(self, node: ast.AST) -> None:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Global):
                self.visit_Global(inner)

    def visit_Global(self, node: ast.Global) -> None:
        """Binds what a function may assign."""
        for name in node.names:
            self._bind(name, node.lineno)

    def _comprehension(self, node: _Comprehension) -> None:
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):
                self._bind(inner.target.id, inner.lineno)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815 - ast's names

    def visit_Name(self, node: ast.Name) -> None:
        """Binds every target, whatever statement it is of."""
        if not isinstance(node.ctx, ast.Load):
            self._bind(node.id, node.lineno)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        """Binds the exception."""
        self._bind(node.name, node.lineno)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        """Binds what a pattern captures."""
        self._bind(node.name, node.lineno)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        """Binds the rest of a sequence."""
        self._bind(node.name, node.lineno)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        """Binds the rest of a mapping."""
        self._bind(node.rest, node.lineno)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """What writes names by their texts may write any."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("exec", "globals", "locals") or (name == "vars" and not node.args):
            self.unknown.append((node.lineno, f"{name}(…)"))
        self.generic_visit(node)


def for_checkers(node: ast.expr) -> bool:
    """Whether an expression is `TYPE_CHECKING`.

    Args:
        node: What an `if` asks.
    """
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name == "TYPE_CHECKING"
