"""A shim that is there already: what it has, and how more is written into it without a change to what it has.

Every byte of the file stays and stays in its order; lines are put between those that are there (imports, names in
`__all__`) and after the last one.
"""

from __future__ import annotations

import ast
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeGuard

from exuvia.errors import MigrateError
from exuvia.migrate.workbench.scope import Scope, for_checkers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from exuvia.migrate.workbench.scope import Bound

__all__ = ["There", "look", "wrapped"]

WIDTH = 88


@dataclass(slots=True)
class There:
    """A shim that was scaffolded, and perhaps filled.

    Attributes:
        path: The file.
        text: Its text.
        tree: Its text, parsed.
        bound: What its names stand for when it runs.
        typed: The same for names that only a type checker sees.
        unknown: Lines that may bind any name, and what stands there.
    """

    path: Path
    text: str
    tree: ast.Module
    bound: dict[str, Bound] = field(default_factory=dict)
    typed: dict[str, Bound] = field(default_factory=dict)
    unknown: list[tuple[int, str]] = field(default_factory=list)

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
            [(name, wanted)] = Scope(ast.parse(line)).bound.items()
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
            public: Names for `__all__`; left out where there is none.
            bodies: Lines for the end.
        """
        lines = list(io.StringIO(self.text, newline=""))
        end = "\r\n" if "\r\n" in self.text else "\n"
        head = self._last_import()
        checking = next((node for node in self.tree.body if _for_types(node) and _is_block(node)), None)
        more: list[tuple[int, list[str]]] = [(head, list(imports))]
        if for_types and checking is not None:
            last = checking.body[-1]
            # Its last statement may stand behind another one, on the same line.
            indent = lines[checking.body[0].lineno - 1][: checking.body[0].col_offset]
            more.append((last.end_lineno or last.lineno, [f"{indent}{line}" for line in for_types]))
        elif for_types:
            more[0][1].extend(["", "if TYPE_CHECKING:", *(f"    {line}" for line in for_types)])
        listed = [node for node in self.tree.body if _lists(node)]
        if listed and public:
            more.append((listed[-1].end_lineno or listed[-1].lineno, _listing(listed, public)))
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
    scope = Scope(tree)
    return There(path, text, tree, scope.bound, scope.typed, scope.unknown)


def _for_types(node: ast.stmt) -> TypeGuard[ast.If]:
    """Whether a statement is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and for_checkers(node.test)


def _is_block(node: ast.If) -> bool:
    return node.body[0].lineno > node.lineno


def _lists(node: ast.stmt) -> bool:
    """Whether a statement says what is public."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    said = any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)
    return said and getattr(node, "value", None) is not None


def _listing(listed: Sequence[ast.stmt], names: Sequence[str]) -> list[str]:
    """Lines that add names to `__all__`, whatever kind of a sequence it is."""
    wholes = [node for node in listed if isinstance(node, (ast.Assign, ast.AnnAssign))]
    last = wholes[-1] if wholes else None
    # What is assigned may be somebody else's list, which must not grow.
    own = last is not None and not (isinstance(last, ast.Assign) and len(last.targets) > 1)
    texts = [f'"{name}"' for name in names]
    if last is not None and own and isinstance(last.value, ast.List):
        return wrapped("__all__ += [", texts, "]", "")
    if last is not None and own and isinstance(last.value, ast.Tuple):
        return wrapped("__all__ += (", texts, ")", "") if len(texts) > 1 else [f"__all__ += ({texts[0]},)"]
    return wrapped("__all__ = [", ["*__all__", *texts], "]", "")


def wrapped(before: str, parts: list[str], after: str, indent: str) -> list[str]:
    """Return a call or signature in one line if it fits, else with its parts on a line, else on a line each.

    Args:
        before: What opens it, with its indent.
        parts: What is in it.
        after: What closes it.
        indent: The indent of its first line.
    """
    whole = f"{before}{', '.join(parts)}{after}"
    if len(whole) <= WIDTH or not parts:
        return [whole]
    inner = f"{indent}    {', '.join(parts)}"
    if len(inner) <= WIDTH:
        return [before, inner, f"{indent}{after}"]
    return [before, *(f"{indent}    {part}," for part in parts), f"{indent}{after}"]
