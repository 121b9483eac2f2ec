"""Python files without exuvia: imports, calls of `install()` and the guards around them go, shims become legacy."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from exuvia.migrate.workbench.eject.reading import end_of, lines_of
from exuvia.migrate.worth.source import said_to_nobody

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from exuvia.migrate.workbench.eject.candidates import Shims
    from exuvia.migrate.workbench.eject.ejection import Ejection

__all__ = ["Module"]

_MODULE = re.compile(r"exuvia(?:\.[A-Za-z_]\w*)*?(?:\.(?P<last>[A-Za-z_]\w*))?(?::[\w.]+)?")


class Module:
    """One Python file that names exuvia or a shim.

    Args:
        ejection: Takes the text without exuvia, and what is left to a person.
        path: The file.
        text: Its text.
        tree: The text, parsed.
        shims: The names that go.
    """

    def __init__(self, ejection: Ejection, path: Path, text: str, tree: ast.Module, shims: Shims) -> None:
        self.ejection, self.path, self.tree = ejection, path, tree
        self.shims, self.doubtful = shims.legacy, shims.doubtful
        self.lines = lines_of(text)
        self.bound: set[str] = set()
        self.drop: set[ast.stmt] = set()
        self.replace: dict[ast.stmt, str] = {}

    def eject(self) -> None:
        """Note what the file is without exuvia."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                self._import(node)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                self._from(node)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Expr) and self._is_install(node.value):
                self.drop.add(node)
            elif isinstance(node, ast.Assign) and self._is_install(node.value):
                self.ejection.by_hand.append(f"{self._at(node)}: the result of install() is kept")
        self._guards()
        self._rest()
        if self.drop or self.replace:
            self.ejection.changed[self.path] = self._written()

    def _import(self, node: ast.Import) -> None:
        kept = []
        self._doubt(node, [alias.name for alias in node.names])
        for alias in node.names:
            top = alias.name.partition(".")[0]
            if top == "exuvia":
                self.bound.add(alias.asname or top)
            elif alias.name in self.shims:
                legacy = self.shims[alias.name]
                if alias.asname is None:
                    self.ejection.by_hand.append(
                        f"{self._at(node)}: `import {alias.name}` binds a shim by its own name: use {legacy} instead"
                    )
                kept.append(f"{legacy} as {alias.asname}" if alias.asname else legacy)
            else:
                kept.append(f"{alias.name} as {alias.asname}" if alias.asname else alias.name)
        self._keep(node, "import ", kept, len(kept) != len(node.names) or any(a.name in self.shims for a in node.names))

    def _from(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if module.partition(".")[0] == "exuvia":
            self.bound |= {alias.asname or alias.name for alias in node.names}
            self.drop.add(node)
            return
        self._doubt(node, [module, *(f"{module}.{alias.name}" for alias in node.names)])
        if module in self.shims:
            names = ", ".join(f"{a.name} as {a.asname}" if a.asname else a.name for a in node.names)
            self.replace[node] = f"from {self.shims[module]} import {names}"
            return
        moved = [alias for alias in node.names if f"{module}.{alias.name}" in self.shims]
        if moved:
            lines = []
            for alias in node.names:
                home = self.shims.get(f"{module}.{alias.name}", f"{module}.{alias.name}")
                package, _, name = home.rpartition(".")
                bound = alias.asname or alias.name
                what = name if name == bound else f"{name} as {bound}"
                lines.append(f"from {package} import {what}" if package else f"import {what}")
            self.replace[node] = "\n".join(lines)

    def _doubt(self, node: ast.stmt, names: Iterable[str]) -> None:
        """A name that is a shim's and another file's too is for a person to tell."""
        for name in names:
            if name in self.doubtful:
                self.ejection.by_hand.append(f"{self._at(node)}: {name} is {self.doubtful[name]}")

    def _keep(self, node: ast.stmt, word: str, kept: list[str], changed: bool) -> None:
        if changed and kept:
            self.replace[node] = word + ", ".join(kept)
        elif changed:
            self.drop.add(node)

    def _is_install(self, node: ast.expr) -> bool:
        """Whether an expression calls something of exuvia's that only begins or ends the moult."""
        if not isinstance(node, ast.Call):
            return False
        root, last = node.func, ""
        while isinstance(root, ast.Attribute):
            last = last or root.attr
            root = root.value
        name = root.id if isinstance(root, ast.Name) else ""
        return name in self.bound and (last or name) in ("install", "uninstall", "set_mode")

    def _guards(self) -> None:
        """`try: import exuvia … except ImportError: …` goes as a whole; so does an `if` that holds nothing else."""
        changed = True
        while changed:
            changed = False
            for node in ast.walk(self.tree):
                if not isinstance(node, (ast.Try, ast.If, ast.With)) or node in self.drop:
                    continue
                if not all(inner in self.drop for inner in node.body):
                    continue
                orelse: Iterable[ast.stmt] = getattr(node, "orelse", [])
                if isinstance(node, ast.With) or any(not isinstance(inner, ast.Pass) for inner in orelse):
                    continue
                if isinstance(node, ast.Try) and node.finalbody:
                    continue
                self.drop.add(node)
                changed = True

    def _rest(self) -> None:
        """What still names exuvia has to be changed by a person."""
        going = {inner for node in (*self.drop, *self.replace) for inner in ast.walk(node)}
        # What a docstring names is not used by that.
        going |= said_to_nobody(self.tree)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and node.id in self.bound and node not in going:
                text = self.lines[node.lineno - 1].strip()
                self.ejection.by_hand.append(f"{self._at(node)}: {text[:90]}: exuvia is used here, not only moulted by")
            elif isinstance(node, ast.Constant) and node not in going and _names_a_module(node.value):
                self.ejection.by_hand.append(f"{self._at(node)}: {node.value!r} is named in a text: take it out")

    def _at(self, node: ast.stmt | ast.expr) -> str:
        return self.ejection.shown(self.path, node.lineno)

    def _written(self) -> str:
        """The text without what goes; a block that would be empty gets a `pass`."""
        lines: list[str | None] = list(self.lines)
        for node in sorted(self.drop | set(self.replace), key=lambda found: found.lineno):
            first, last = node.lineno - 1, node.end_lineno or node.lineno
            if lines[first] is None:
                continue
            indent = (lines[first] or "")[: node.col_offset]
            before = (lines[first] or "")[: node.col_offset].strip()
            if before or not self._alone(node):
                self.ejection.by_hand.append(f"{self._at(node)}: shares its line with other code")
                continue
            text = self.replace.get(node)
            if text is None and self._empties(node):
                text = "pass"
            for at in range(first, last):
                lines[at] = None
            if text is not None:
                # As the lines around it end.
                end = end_of(self.lines[first]) or (end_of(self.lines[0]) or "\n")
                lines[first] = "".join(f"{indent}{part}{end}" for part in text.split("\n"))
        return "".join(line for line in lines if line is not None)

    def _alone(self, node: ast.stmt) -> bool:
        after = self.lines[(node.end_lineno or node.lineno) - 1].encode()[node.end_col_offset or 0 :].decode().strip()
        return not after or after.startswith("#")

    def _empties(self, node: ast.stmt) -> bool:
        """Whether a block would hold nothing once everything that goes is gone; its first statement answers."""
        for parent in ast.walk(self.tree):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(parent, name, None)
                if isinstance(block, list) and node in block and not isinstance(parent, ast.Module):
                    return all(inner in self.drop for inner in block) and block[0] is node
        return False


def _names_a_module(value: object) -> bool:
    """Whether a text is the name of exuvia or of a module of it, as what imports by name has it; no file of it."""
    found = _MODULE.fullmatch(value) if isinstance(value, str) else None
    return found is not None and found["last"] not in ("toml", "bak", "html")
