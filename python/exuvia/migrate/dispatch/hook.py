"""An import hook (PEP 451) that hears of modules which the program imports after install.

Install imports nothing that the program might never import. The hook finds no module itself: it asks the
other finders, lets the module's own loader do its work, and tells afterwards. No error of ours breaks an import.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

__all__ = ["ImportWatch", "origin"]


class ImportWatch(importlib.abc.MetaPathFinder):
    """Tells when one of some modules has been imported.

    Args:
        modules: Their names.
        heard: Called with a module's name once it is loaded; what it raises stops here.
    """

    def __init__(self, modules: Iterable[str], heard: Callable[[str], None]) -> None:
        self.modules = set(modules)
        self.heard = heard

    def start(self) -> None:
        """Listen, before all other finders."""
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Listen no longer."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find what the other finders find, and wrap its loader; `None` for any other module.

        Args:
            fullname: The module.
            path: Where its package looks.
            target: The module, if it is reloaded.
        """
        if fullname not in self.modules:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: importlib.machinery.ModuleSpec | None = find(fullname, path, target)
            if spec is None:
                continue
            if hasattr(spec.loader, "exec_module"):
                spec.loader = _Loader(spec.loader, self)
            return spec
        return None

    def tell(self, module: str) -> None:
        """Say that a module is loaded; it never raises."""
        try:
            self.heard(module)
        except Exception:
            return


class _Loader(importlib.abc.Loader):
    """The module's own loader; it is put back before the module runs."""

    def __init__(self, own: Any, watch: ImportWatch) -> None:
        self._own, self._watch = own, watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._own.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._own
        module.__loader__ = self._own
        self._own.exec_module(module)
        self._watch.tell(module.__name__)


def origin(module: str) -> str | None:
    """Return the file of a module without importing it or its packages; `None` if there is no such module.

    >>> origin("json.decoder").endswith("decoder.py"), origin("json.nothing")
    (True, None)

    Args:
        module: Its name.
    """
    path: Sequence[str] | None = None
    spec: importlib.machinery.ModuleSpec | None = None
    parts = module.split(".")
    for depth in range(len(parts)):
        name = ".".join(parts[: depth + 1])
        loaded = sys.modules.get(name)
        if loaded is not None and getattr(loaded, "__spec__", None) is not None:
            spec = loaded.__spec__
        else:
            spec = importlib.machinery.BuiltinImporter.find_spec(name) or importlib.machinery.PathFinder.find_spec(
                name, path
            )
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return None if spec is None else spec.origin or ""
