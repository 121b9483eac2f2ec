"""A shim that is there already: what it has, and how more is written into it without a change to what it has.

Every byte of the file stays and stays in its order; lines are put between those that are there (imports, names in
`__all__`) and after the last one.
"""

from __future__ import annotations

import ast
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from exuvia.errors import MigrateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["Bound", "There", "bindings", "look"]


class Bound(NamedTuple):
    """What a name at the top of a module stands for.

    Attributes:
        line: Where it is bound.
        home: The module and name it is imported from, `a.b:name` or `a.b`; empty for what the file defines itself.
    """

    line: int
    home: str = ""


@dataclass(slots=True)
class There:
    """A shim that was scaffolded, and perhaps filled.

    Attributes:
        path: The file.
        text: Its text.
        tree: Its text, parsed.
        bound: What its names stand for when it runs.
        typed: The same for names that only a type checker sees.
        classes: Classes that it defines.
    """

    path: Path
    text: str
    tree: ast.Module
    bound: dict[str, Bound] = field(default_factory=dict)
    typed: dict[str, Bound] = field(default_factory=dict)
    classes: set[str] = field(default_factory=set)

    def line_of(self, name: str) -> int | None:
        """Return the line on which a name is bound, for a type checker only too; `None` if it is free.

        Args:
            name: The name.
        """
        found = self.bound.get(name) or self.typed.get(name)
        return found.line if found is not None else None

    def alias(self, module: str) -> str | None:
        """Return the name under which a module is imported, if it is.

        Args:
            module: The module.
        """
        return next((name for name, found in self.bound.items() if found.home == module and name != module), None)

    def free(self, name: str) -> str:
        """Return a name that nothing has, near to the one that is wanted.

        Args:
            name: The name.
        """
        while self.line_of(name) is not None:
            name += "_"
        return name

    def missing(self, lines: Iterable[str], own: Iterable[str], *, at_run: bool) -> list[str]:
        """Return those import lines that the file does not have.

        Args:
            lines: Import statements, each of one name.
            own: Names of legacy's that the file may define itself.
            at_run: Whether they are needed when it runs.

        Raises:
            MigrateError: If the file has such a name for something else.
        """
        found = []
        for line in lines:
            [(name, wanted)] = bindings(ast.parse(line).body[0]).items()
            for known in (self.bound.get(name), self.typed.get(name)):
                if known is not None and known.home != wanted.home and (known.home or name not in set(own)):
                    raise MigrateError(
                        f"{self.path}:{known.line} has {name} as something else than `{line}`, which is needed there "
                        "now: rename it, or write this shim elsewhere, with -o FILE"
                    )
            if name not in self.bound and (at_run or name not in self.typed):
                found.append(line)
        return found

    @property
    def reads_annotations_late(self) -> bool:
        """Whether annotations are not evaluated, so that their names may be imported for type checkers alone."""
        return any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in self.tree.body)

    def with_more(
        self, imports: Sequence[str], for_types: Sequence[str], public: Sequence[str], bodies: Sequence[str]
    ) -> str:
        """Return the text with more in it.

        Args:
            imports: Lines for the imports.
            for_types: Import lines for type checkers alone.
            public: Lines after `__all__`; left out where there is none.
            bodies: Lines for the end.
        """
        lines = list(io.StringIO(self.text, newline=""))
        end = "\r\n" if "\r\n" in self.text else "\n"
        head = self._last_import()
        checking = next((node for node in self.tree.body if _for_types(node) and _is_block(node)), None)
        more: list[tuple[int, list[str]]] = [(head, list(imports))]
        if for_types and checking is not None:
            last = checking.body[-1]
            indent = lines[last.lineno - 1][: last.col_offset]
            more.append((last.end_lineno or last.lineno, [f"{indent}{line}" for line in for_types]))
        elif for_types:
            more[0][1].extend(["", "if TYPE_CHECKING:", *(f"    {line}" for line in for_types)])
        listed = [node for node in self.tree.body if _lists(node)]
        if listed and public:
            more.append((listed[-1].end_lineno or listed[-1].lineno, list(public)))
        if lines and not lines[-1].endswith(("\n", "\r")):
            lines[-1] += end
        for at, new in sorted(more, key=lambda one: -one[0]):
            lines[at:at] = [f"{line}{end}" for line in new]
        return "".join(lines) + "".join(f"{line}{end}" for line in (("", "", *bodies) if bodies else ()))

    def _last_import(self) -> int:
        """The line after which imports go: behind the last one above the first definition."""
        line = 0
        for number, node in enumerate(self.tree.body):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                break
            if isinstance(node, (ast.Import, ast.ImportFrom)) or (number == 0 and ast.get_docstring(self.tree)):
                line = node.end_lineno or node.lineno
        return line


def look(path: Path, module: str) -> There:
    """Read a shim that is there.

    Args:
        path: The file.
        module: The legacy module that it has to be of.

    Raises:
        MigrateError: If it is none that was scaffolded for this module, or cannot be read.
    """
    otherwise = "-o FILE writes elsewhere, --force overwrites it with all that is in it"
    try:
        data = path.read_bytes()
        text, tree = data.decode("utf-8"), ast.parse(data)
    except (SyntaxError, ValueError) as error:
        raise MigrateError(f"{path} is there already and cannot be parsed ({error}): mend it; {otherwise}") from None
    if not (ast.get_docstring(tree) or "").startswith(f"Shim of `{module}`"):
        raise MigrateError(
            f"{path} is there already, and by its docstring it is no shim of `{module}` that exuvia scaffold wrote: "
            f"{otherwise}"
        )
    there = There(path, text, tree)
    for node in tree.body:
        for inner in node.body if _for_types(node) else ():
            there.typed |= bindings(inner)
        there.bound |= bindings(node)
        if isinstance(node, ast.ClassDef):
            there.classes.add(node.name)
    return there


def bindings(node: ast.stmt) -> dict[str, Bound]:
    """Return the names that a statement binds when it runs.

    >>> dict(bindings(ast.parse("from decimal import Decimal as D").body[0]))
    {'D': Bound(line=1, home='decimal:Decimal')}

    Args:
        node: A statement.
    """
    found: dict[str, Bound] = {}
    if isinstance(node, ast.Import):
        for one in node.names:
            bound = one.asname or one.name.partition(".")[0]
            found[bound] = Bound(node.lineno, one.name if one.asname else bound)
    elif isinstance(node, ast.ImportFrom):
        base = "." * node.level + (node.module or "")
        found |= {one.asname or one.name: Bound(node.lineno, f"{base}:{one.name}") for one in node.names}
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        found[node.name] = Bound(node.lineno)
    elif not _for_types(node):
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.stmt):
                found |= bindings(inner)
            elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                names = [each for each in ast.walk(inner) if isinstance(each, ast.Name)]
                found |= {each.id: Bound(node.lineno) for each in names if isinstance(each.ctx, ast.Store)}
            elif isinstance(inner, ast.ExceptHandler):
                for each in inner.body:
                    found |= bindings(each)
    return found


def _for_types(node: ast.stmt) -> TypeGuard[ast.If]:
    """Whether a statement is `if TYPE_CHECKING:`."""
    named = node.test if isinstance(node, ast.If) else None
    name = named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")
    return name == "TYPE_CHECKING"


def _is_block(node: ast.If) -> bool:
    return node.body[0].lineno > node.lineno


def _lists(node: ast.stmt) -> bool:
    """Whether a statement says what is public."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)
