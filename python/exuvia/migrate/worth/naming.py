"""By which dotted name a file of a project is imported, packages without an `__init__.py` included.

Where a file lies does not say it: a folder without an `__init__.py` is a package to who starts above it, and a
place of the path to who starts a script in it. So it is asked in this order: what the project's own files import,
what this Python would import, which places of the path the project is known to have, `src`, and last the project's
folder, from which its programs are started.
"""

from __future__ import annotations

import importlib.util
import keyword
import sys
from collections import Counter
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from exuvia.migrate import imports
from exuvia.migrate.worth.source import files_of, find_module

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.imports import Imported

__all__ = ["Names"]


class Names:
    """The names of the files of one project.

    Args:
        root: Its folder.
        files: Its files, if they are known; else they are looked for.
    """

    def __init__(self, root: Path, files: list[Path] | None = None) -> None:
        self.root = root.resolve()
        self._files = files
        self._homes: dict[Path, Path] = {}

    def of(self, path: Path) -> str:
        """Return the dotted name by which a file is imported.

        Args:
            path: The file.
        """
        return _name(path, self.home(path))

    def all_of(self, path: Path) -> list[str]:
        """Return every dotted name by which the project's own files import a file, that of `of` first.

        Args:
            path: The file.
        """
        said = [home for home in self._said[0].get(path, ()) if home in path.parents]
        return list(dict.fromkeys([self.of(path), *(_name(path, home) for home in said)]))

    def home(self, path: Path) -> Path:
        """Return the folder that has to be on the path for that name.

        Args:
            path: The file.
        """
        if path not in self._homes:
            self._homes[path] = self._find(path)
        return self._homes[path]

    def missing(self, path: Path) -> str:
        """Say what has to be done before a file can be imported where the project's programs start; empty if nothing.

        Args:
            path: The file.
        """
        home, name = self.home(path), self.of(path)
        if home == self.root or not name or _is_found(path, name):
            return ""
        below = home.relative_to(self.root).as_posix() if self.root in home.parents else str(home)
        unnamed = self.root in home.parents and not below.rpartition("/")[2].isidentifier()
        why = f": no import can name a folder called {below.rpartition('/')[2]!r}" if unnamed else ""
        return (
            f"{name} is imported from {below}, which is not on the path{why}: put it there, as PYTHONPATH={below} "
            "exuvia … does, or install the package (pip install -e .)"
        )

    def _find(self, path: Path) -> Path:
        homes = _homes(path, self.root)
        if len(homes) == 1:
            return homes[0]
        votes, barred = self._said
        said = votes.get(path, Counter())
        if any(said[home] for home in homes):
            # The name that most of its importers write; of two the longer one.
            return max(reversed(homes), key=lambda home: said[home])
        homes = [home for home in homes if home not in barred] or homes[-1:]
        importable = next((home for home in homes if _is_found(path, _name(path, home))), None)
        if importable is not None:
            return importable
        known = {home for found in votes.values() for home in found}
        known.add(self.root / "src")
        return next((home for home in homes if home in known), homes[-1])

    @cached_property
    def _said(self) -> tuple[dict[Path, Counter[Path]], set[Path]]:
        """What the project's files import: places of the path by file, and folders that are packages to them."""
        files = self._files if self._files is not None else files_of(self.root)
        votes: dict[Path, Counter[Path]] = {}
        barred: set[Path] = set()
        places = {self.root: None, self.root / "src": None}
        places |= {home: None for path in files for home in _homes(path, self.root)}
        known = _Known()
        for path in files:
            # What lies beside a file is on the path when it is started as a script.
            own = [path.parent] if not (path.parent / "__init__.py").is_file() else []
            looked = list(dict.fromkeys([self.root, *own, *places]))
            for one in imports.read(path).imported:
                if one.level:
                    barred |= set(path.parents[: one.level])
                elif one.module.partition(".")[0] not in sys.stdlib_module_names:
                    for found, home in known.imported(one, looked):
                        votes.setdefault(found, Counter())[home] += 1
        return votes, barred


class _Known:
    """Modules that were looked for: most imports are of what lies in no place of the project at all."""

    def __init__(self) -> None:
        self._inside: dict[Path, set[str]] = {}
        self._found: dict[tuple[str, Path], Path | None] = {}

    def imported(self, one: Imported, places: list[Path]) -> list[tuple[Path, Path]]:
        """The files that a statement imports, each with the first place of the path where it is found."""
        top = one.module.partition(".")[0]
        for home in places:
            if home not in self._inside:
                with suppress(OSError):
                    self._inside[home] = {path.stem for path in home.iterdir()}
            if top in self._inside.get(home, ()):
                names = [one.module, *(f"{one.module}.{part}" for part in one.names)]
                found = [path for name in names if (path := self._module(name, home)) is not None]
                if found:
                    return [(path, home) for path in found]
        return []

    def _module(self, name: str, home: Path) -> Path | None:
        if (name, home) not in self._found:
            path = find_module(name, [home])
            self._found[name, home] = path if path is not None and path.suffix == ".py" else None
        return self._found[name, home]


def _homes(path: Path, root: Path) -> list[Path]:
    """The folders from which a file could be imported, the innermost first: up to the project's own."""
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder != folder.parent:
        folder = folder.parent
    found = [folder]
    # A module beside a folder of its name is what Python takes, and no statement can write other names.
    while root in folder.parents and _can_be_package(folder):
        folder = folder.parent
        if (folder / "__init__.py").is_file():
            return [*found, *_homes(folder / "__init__.py", root)]
        found.append(folder)
    return found


def _can_be_package(folder: Path) -> bool:
    named = folder.name.isidentifier() and not keyword.iskeyword(folder.name)
    return named and not folder.with_name(f"{folder.name}.py").is_file()


def _name(path: Path, home: Path) -> str:
    parts = path.relative_to(home).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_found(path: Path, name: str) -> bool:
    """Whether this Python would import a file by that name; nothing is imported."""
    top, _, rest = name.partition(".")
    with suppress(ImportError, ValueError, AttributeError):
        spec = importlib.util.find_spec(top)
        if spec is None:
            return False
        if not rest:
            return bool(spec.origin) and _same(spec.origin, path)
        places = [*(spec.submodule_search_locations or ())]
        return any(find_module(rest, [place]) == path.resolve() for place in places) if places else False
    return False


def _same(origin: str | None, path: Path) -> bool:
    with suppress(OSError):
        return origin is not None and path.samefile(origin)
    return False
