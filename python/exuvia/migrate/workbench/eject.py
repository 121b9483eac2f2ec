"""`exuvia eject`: takes exuvia itself out of a project again.

Imports of exuvia and calls of `install()` go, names that came from shims come from legacy again, commands run
the program without exuvia, and what exuvia itself wrote is removed, each file with the reason: `exuvia.toml`,
evidence, shims, reports, and tests of `exuvia repro` that cannot run without exuvia. A shim is a file that `exuvia
scaffold` wrote, or a candidate in `exuvia_shims/`: a candidate that its user wrote stays, and so does such a test
as soon as it needs neither exuvia nor a shim. What cannot be done by rule is listed with file and line, and then
nothing is written: half an ejection would not run.
"""

from __future__ import annotations

import ast
import difflib
import io
import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exuvia.migrate.workbench import fixtures, repro
from exuvia.migrate.workbench.putting import put
from exuvia.migrate.workbench.scaffold import MARK
from exuvia.migrate.workbench.starting import SHIMS
from exuvia.migrate.worth.imports import read
from exuvia.migrate.worth.naming import Names
from exuvia.migrate.worth.source import SKIPPED, files_of, parse, said_to_nobody

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from exuvia.migrate.config import Config
    from exuvia.migrate.worth.imports import Graph

__all__ = ["Ejection", "plan", "write"]

TEXTS = (".toml", ".txt", ".cfg", ".ini", ".yml", ".yaml", ".sh", ".service", ".in", ".md")
NAMED = ("Dockerfile", "Makefile", "Procfile", "crontab")
EVIDENCE = re.compile(
    r".+\.seg|\d+-.+\.jsonl|modes\.(?:jsonl|head|head\.new|page|room)|hooks\.log|(?:restarts|gates)\.jsonl|(?:segments|children)\.list|compact\.lock"
    r"|date=\d{4}-\d\d-\d\d/(?:head\.json|\w+-\d+\.parquet|\.[^/]+\.\d+\.tmp)"
)
"""What exuvia writes into an evidence folder, by the path in it."""
LIMIT = 1_000_000
_WRITTEN = re.compile(re.escape(MARK) + r"\s+\"\"\"Shim of `(?P<legacy>[\w.]+)`")
_RUN = re.compile(
    r"(?:(?P<python>\S*python[\d.]*)\s+-m\s+)?\bexuvia\s+run\s+"
    r"(?:--(?:config|evidence)[= ]\S+\s+)*(?P<rest>-m\s+\S+|\S+\.py)"
)
_MODULE = re.compile(r"exuvia(?:\.[A-Za-z_]\w*)*?(?:\.(?P<last>[A-Za-z_]\w*))?(?::[\w.]+)?")
_REPRO = re.compile(r'"""[^"]*Written by `exuvia repro ', re.DOTALL)
_REQUIREMENT = re.compile(r"^\s*(?:-e\s+)?[\"']?exuvia(?:\[[^\]]*\])?(?:\s*[=<>~!@;].*?)?[\"']?\s*,?\s*(?:#.*)?$")
_IN_LIST = re.compile(
    r"""(?P<first>\[)?\s*(?P<quote>["'])exuvia(?:\[[^\]"']*\])?(?:\s*[=<>~!@;][^"']*)?(?P=quote)\s*,?(?P<after>\s*)"""
)


@dataclass(slots=True)
class Ejection:
    """What would be changed.

    Attributes:
        root: The project's folder.
        changed: New text by file.
        removed: Files and folders that go.
        why: The reason for each of them.
        by_hand: What no rule covers, each with file and line.
        notes: What stays, and why.
    """

    root: Path
    changed: dict[Path, str] = field(default_factory=dict)
    removed: list[Path] = field(default_factory=list)
    why: dict[Path, str] = field(default_factory=dict)
    by_hand: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def remove(self, path: Path, why: str) -> None:
        """Note a file or folder that goes.

        Args:
            path: The file or folder.
            why: Who wrote it, or why it cannot stay.
        """
        self.removed.append(path)
        self.why[path] = why

    def diff(self) -> str:
        """Return all changes as one unified diff."""
        parts = []
        for path, text in sorted(self.changed.items()):
            name = path.relative_to(self.root).as_posix()
            old, new = _lines(_text(path)), _lines(text)
            parts.append("".join(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")))
        return "".join(parts)


@dataclass(slots=True)
class _Shims:
    """The modules that are shims: legacy's module by name, and what a name is that other files have too."""

    legacy: dict[str, str] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)


def plan(root: Path, config: Config | None) -> Ejection:
    """Find everything that is exuvia's in a project; nothing is changed.

    Args:
        root: The project's folder.
        config: Its configuration, for the shims and the evidence; without it only code is looked at.
    """
    ejection = Ejection(root.resolve())
    files = files_of(ejection.root)
    shims, gone, own = _sort_candidates(ejection, config, files)
    for path in filter(_is_report, ejection.root.glob("*.html")):
        ejection.remove(path, "exuvia report wrote it: copy it elsewhere to keep it")
    for path in (path for path in files if path not in gone):
        _repro(ejection, path, shims.legacy)
    for path in files:
        if path in gone or path in own or path in ejection.removed:
            continue
        tree = parse(path)
        text = _glimpsed(path)
        names = {"exuvia", *(shim.partition(".")[0] for shim in (*shims.legacy, *shims.doubtful))}
        if tree is None:
            if any(name in text for name in names):
                ejection.by_hand.append(f"{_shown(ejection, path)}: cannot be parsed, and names exuvia")
        elif any(name in text for name in names):
            _Module(ejection, path, text, tree, shims).eject()
    for path in list(ejection.changed):
        if not _is_utf8(path):
            del ejection.changed[path]
            shown = _shown(ejection, path)
            ejection.by_hand.append(f"{shown}: names exuvia or a shim and is no UTF-8: write it as UTF-8 first")
    fixtures.name(ejection, [path for path in files if path not in {*gone, *own, *ejection.removed}])
    for path in _texts(ejection.root):
        _configuration(ejection, path)
    for path in sorted(gone):
        ejection.remove(path, _why_gone(path))
    if config is not None:
        _settings(ejection, config)
    return ejection


def _settings(ejection: Ejection, config: Config) -> None:
    """The configuration, what was put aside for it, and the evidence."""
    ejection.remove(config.path, "the configuration")
    aside = re.compile(re.escape(config.path.name) + r"\.bak(?:\.\d+)?")
    for path in sorted(config.path.parent.iterdir()):
        if aside.fullmatch(path.name) and path.is_file():
            ejection.remove(path, "exuvia init put it aside")
    _evidence(ejection, config.evidence.resolve())


def _evidence(ejection: Ejection, folder: Path) -> None:
    """The evidence folder, if it lies in the project and holds nothing else."""
    if not folder.is_dir():
        return
    if folder == ejection.root or ejection.root not in folder.parents:
        ejection.notes.append(f"{folder} lies outside of the project: the evidence stays")
        return
    inside = [
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()
    ]
    others = [name for name in inside if EVIDENCE.fullmatch(name) is None]
    if others:
        ejection.notes.append(f"{folder} holds more than evidence ({', '.join(sorted(others)[:3])}): it stays")
    else:
        ejection.remove(folder, "the evidence, and nothing else is in it")


def write(ejection: Ejection) -> None:
    """Do what was planned.

    Args:
        ejection: The plan; it has nothing that is left to be done by hand.
    """
    for path, text in ejection.changed.items():
        put(path, text)
    for path in ejection.removed:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for folder in {path.parent for path in ejection.removed}:
        inside = list(folder.iterdir()) if folder.is_dir() and folder != ejection.root else [folder]
        if all(path.name == "__pycache__" for path in inside):
            shutil.rmtree(folder)


def _sort_candidates(
    ejection: Ejection, config: Config | None, files: list[Path]
) -> tuple[_Shims, set[Path], set[Path]]:
    """Tell shims from candidates that a user wrote.

    Returns:
        The shims, the files that go, and the files of a user's candidates that nothing imports.
    """
    names = Names(ejection.root, files)
    by_name: dict[str, list[Path]] = {}
    for path in files:
        for name in names.all_of(path):
            by_name.setdefault(name, []).append(path)
    legacy: dict[Path, str] = {}
    mine: list[tuple[str, Path]] = []
    # `exuvia scaffold` wrote it, whether a unit names it by now or not.
    written = {path: found["legacy"] for path in files if (found := _WRITTEN.match(_glimpsed(path)))}
    for unit in config.units.values() if config is not None else ():
        module = unit.candidate.partition(":")[0]
        paths = by_name.get(module, []) if module != unit.module else []
        for path in paths:
            if not _is_shim(path):
                mine.append((module, path))
            elif len(paths) == 1 or path not in written:
                legacy[path] = unit.module
    legacy = {**written, **legacy}
    gone = set(legacy)
    for folder in {path.parent for path in gone if path.parent.name == SHIMS}:
        if {path for path in folder.glob("*.py") if path.name != "__init__.py"} <= gone:
            gone |= set(folder.glob("*.py"))
    graph = read(ejection.root) if mine else None
    alone = set()
    for module, path in dict.fromkeys(mine):
        note = f"{_shown(ejection, path)} is a candidate that you wrote: it stays"
        if graph is not None and _imported(graph, module, path):
            note += ", what imports it goes on using it"
        else:
            alone.add(path)
            note += "".join(f"; exuvia is used in it at line {line}" for line in _first_use(path))
        ejection.notes.append(note)
    return _named(ejection, by_name, legacy), gone, alone


def _named(ejection: Ejection, by_name: Mapping[str, list[Path]], legacy: Mapping[Path, str]) -> _Shims:
    """Say which names are of shims, and which may be another file's too."""
    shims = _Shims()
    for module, paths in by_name.items():
        homes = {legacy.get(path, "") for path in paths}
        if len(homes) == 1 and homes != {""}:
            shims.legacy[module] = homes.pop()
        elif homes != {""}:
            shims.doubtful[module] = _doubt(ejection, paths, legacy)
    return shims


def _doubt(ejection: Ejection, paths: list[Path], legacy: Mapping[Path, str]) -> str:
    """What the files of one name are: where a program starts says which of them an import takes."""
    shown = {path: _shown(ejection, path) for path in paths}
    each = [f"{shown[path]}, a shim of {legacy[path]}" if path in legacy else shown[path] for path in paths]
    going = " and ".join(shown[path] for path in paths if path in legacy)
    return f"{' or '.join(each)}: import legacy's where a shim is meant, and delete {going} yourself"


def _glimpsed(path: Path) -> str:
    """The text of a file, for a look: what is no UTF-8 in it is lost."""
    return _text(path, "replace")


def _text(path: Path, errors: str = "strict") -> str:
    """The text of a file with its line ends as they are."""
    with path.open(encoding="utf-8", errors=errors, newline="") as file:
        return file.read()


def _is_utf8(path: Path) -> bool:
    try:
        _text(path)
    except UnicodeDecodeError:
        return False
    return True


def _lines(text: str) -> list[str]:
    """The lines of a text as Python counts them, each with its end."""
    return list(io.StringIO(text, newline=""))


def _end(line: str) -> str:
    """How a line ends; the last one of a file may not."""
    return line[len(line.rstrip("\r\n")) :]


def _is_shim(path: Path) -> bool:
    """Whether a file is exuvia's to remove: by the mark that `exuvia scaffold` writes, or by its folder."""
    return path.parent.name == SHIMS or _glimpsed(path).startswith(MARK)


def _why_gone(path: Path) -> str:
    """Why a shim's file goes: by its mark, or by its folder."""
    if path.name == "__init__.py":
        return f"the package of shims, {SHIMS}, has nothing else in it"
    marked = _glimpsed(path).startswith(MARK)
    return "exuvia scaffold wrote it" if marked else f"it lies in {SHIMS}"


def _repro(ejection: Ejection, path: Path, shims: Mapping[str, str]) -> None:
    """Decide on a test that `exuvia repro` wrote, by what it says at its top: it stays if it can run afterwards."""
    text = _glimpsed(path)
    tree = parse(path) if _REPRO.match(text[:2_000]) is not None else None
    if tree is None:
        return
    needs = _needs(tree, shims)
    if not needs:
        ejection.notes.append(f"{_shown(ejection, path)}: exuvia repro wrote it, and it needs no exuvia: it stays")
        return
    for node in tree.body:
        name = getattr(node, "name", "")
        if name and name not in repro.OWN and name != f"test_{path.stem.removeprefix('test_repro_')}":
            ejection.by_hand.append(
                f"{_shown(ejection, path, node.lineno)}: {name} is not of exuvia repro, which wrote the rest of the "
                "file: move it elsewhere, or delete it"
            )
            return
    ejection.remove(path, f"exuvia repro wrote it, and it needs {' and '.join(needs)}, which goes")


def _needs(tree: ast.Module, shims: Mapping[str, str]) -> list[str]:
    """What of that which goes a test imports, or loads by its name."""
    going = {"exuvia", *shims}
    found: set[str] = set()
    idle = said_to_nobody(tree)
    for node in ast.walk(tree):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or "", *(f"{node.module}.{one.name}" for one in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in idle:
            names = [node.value.partition(":")[0]]
        for name in names:
            found |= {one for one in going if name == one or name.startswith(f"{one}.")}
    return sorted(found)


def _is_report(path: Path) -> bool:
    """Whether `exuvia report` wrote a page, by its generator."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return '<meta name="generator" content="exuvia report"' in file.read(4_000)


def _imported(graph: Graph, module: str, path: Path) -> bool:
    """Whether another file of the project imports a module."""
    return any(
        file.path != path and (module in file.modules or any(home == module for home, _ in file.names))
        for file in graph.files
    )


def _first_use(path: Path) -> list[int]:
    """The first line on which a file imports exuvia, if it does."""
    tree = parse(path)
    for node in ast.walk(tree) if tree is not None else ():
        names = [found.name for found in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        if any(name.partition(".")[0] == "exuvia" for name in names):
            return [node.lineno]  # type: ignore[attr-defined]  # an import has a line
    return []


def _shown(ejection: Ejection, path: Path, line: int | None = None) -> str:
    name = path.relative_to(ejection.root).as_posix()
    return name if line is None else f"{name}:{line}"


class _Module:
    """One Python file."""

    def __init__(self, ejection: Ejection, path: Path, text: str, tree: ast.Module, shims: _Shims) -> None:
        self.ejection, self.path, self.tree = ejection, path, tree
        self.shims, self.doubtful = shims.legacy, shims.doubtful
        self.lines = _lines(text)
        self.bound: set[str] = set()
        self.drop: set[ast.stmt] = set()
        self.replace: dict[ast.stmt, str] = {}

    def eject(self) -> None:
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
        return _shown(self.ejection, self.path, node.lineno)

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
                end = _end(self.lines[first]) or (_end(self.lines[0]) or "\n")
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


def _texts(root: Path) -> list[Path]:
    found = []
    folders = [root]
    while folders:
        folder = folders.pop()
        for path in sorted(folder.iterdir()):
            if path.is_symlink():
                continue
            if path.is_dir():
                if path.name not in SKIPPED and not (path / "pyvenv.cfg").exists():
                    folders.append(path)
            elif path.suffix in TEXTS or path.name.startswith(NAMED):
                found.append(path)
    return found


def _configuration(ejection: Ejection, path: Path) -> None:
    """Requirements and commands in files that are no Python."""
    if path.name == "exuvia.toml" or path.stat().st_size > LIMIT:
        return
    try:
        text = _text(path)
    except UnicodeDecodeError:
        return
    if "exuvia" not in text:
        return
    lines = []
    goes_on = False
    for number, line in enumerate(_lines(text), 1):
        whole = line.rstrip().removesuffix("\\")
        if goes_on or _REQUIREMENT.match(whole):
            # The digests of a requirement are on lines of their own, each tied to the one before.
            goes_on = line.rstrip().endswith("\\")
            continue
        new = (
            line
            if line.lstrip().startswith("#")
            else _RUN.sub(lambda found: f"{found['python'] or 'python'} {found['rest']}", line)
        )
        if path.suffix == ".toml":
            new = _IN_LIST.sub(lambda found: "[" if found["first"] else found["after"], new)
        if re.search(r"\bexuvia\b", new) and path.suffix != ".md" and not new.lstrip().startswith("#"):
            ejection.by_hand.append(f"{_shown(ejection, path, number)}: {new.strip()[:90]}")
        lines.append(new)
    if "".join(lines) != text:
        ejection.changed[path] = "".join(lines)
