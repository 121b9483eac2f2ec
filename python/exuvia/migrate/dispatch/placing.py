"""Puts an object where a function stood: C functions, and any function where the splice was never tested.

Modules that hold the old one by name are rebound at every flip. What else holds it is found once, by the
collector, and patched for good: dicts, lists, closures, defaults. What cannot be patched is listed.
"""

from __future__ import annotations

import gc
import sys
import types
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.dispatch.rebind import owns, rebind

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.config import UnitConfig

__all__ = ["Placing"]


class Placing:
    """The exchange of one object for another, by name.

    Args:
        unit: The unit.
        names: Module and name inside of it.
        found: What stands there, as the class or module holds it.
        served: The callable that takes its place.
        aliases: Objects of ours that hold the old one, and keep it.
    """

    def __init__(
        self,
        unit: UnitConfig,
        names: tuple[str, str],
        found: Any,
        served: Callable[..., Any],
        aliases: tuple[object, ...] = (),
    ) -> None:
        self.aliases = aliases
        self.unit, self.names = unit, names
        wrapper = type(found) if isinstance(found, (staticmethod, classmethod)) else None
        self.found, self.served = found, wrapper(served) if wrapper else served
        self.plain = found.__func__ if wrapper else found
        self.callable = served
        self.in_class = "." in names[1]
        self.notes: list[str] = []
        self._patched: list[tuple[Any, Any]] = []
        self._searched = False

    @property
    def _holder(self) -> Any:
        module, _, rest = self.names[0], None, self.names[1].rpartition(".")[0]
        return owns(module, rest) if rest else sys.modules[module]

    @property
    def _now(self) -> Any:
        return vars(self._holder).get(self.names[1].rpartition(".")[2])

    @property
    def foreign(self) -> bool:
        """Whether someone else's object stands there now."""
        return self._now is not self.found and self._now is not self.served

    @property
    def taken_back(self) -> bool:
        """Whether the old one stands there again, though it was taken away: a reload of the module put it there."""
        return self._searched and self._now is self.found

    def apply(self) -> None:
        """Put the object in place.

        Raises:
            MigrateError: If someone else's stands there, or the class cannot be changed.
        """
        self._set(self.served)
        if not self._searched:
            self._searched = True
            self._reach()

    def restore(self) -> None:
        """Put the old one back by name; what else holds the new one keeps it, and is served by legacy.

        Raises:
            MigrateError: As `apply` does.
        """
        self._set(self.found)

    def forget(self) -> None:
        """Drop what caches around it hold: there are none."""

    def leave(self) -> None:
        """Put the old one back everywhere."""
        for holder, key in self._patched:
            _exchange(holder, key, self.callable, self.plain)
        self._patched.clear()
        self._searched = False

    def _set(self, wanted: Any) -> None:
        if self.foreign:
            raise MigrateError(
                f"{self.names[0]}:{self.names[1]} was replaced by someone else after install: "
                "exuvia does not fight over it; take that off first"
            )
        if not self.in_class:
            rebind(*self.names, self._now, wanted, self.unit.candidate)
            return
        try:
            setattr(self._holder, self.names[1].rpartition(".")[2], wanted)
        except TypeError as error:
            raise MigrateError(f"unit {self.unit.name!r} cannot be replaced: {error}") from None

    def _reach(self) -> None:
        """Find what holds the old object otherwise than as a module's global, and patch it."""
        spaces = {id(vars(module)) for module in list(sys.modules.values()) if isinstance(module, types.ModuleType)}
        mine = {id(vars(self)), id(vars(self.callable)), *(id(each) for each in self.aliases), *spaces}
        unreached: list[str] = []
        for holder in gc.get_referrers(self.plain):
            ours = type(holder).__module__.partition(".")[0] == "exuvia" or id(holder) in mine
            if ours or (
                isinstance(holder, (types.FrameType, staticmethod, classmethod, list))
                and not _places(holder, self.plain)
            ):
                continue
            places = _owners(holder, self.plain)
            for target, key in places:
                if _exchange(target, key, self.plain, self.callable):
                    self._patched.append((target, key))
                else:
                    unreached.append(type(target).__name__)
            if not places:
                unreached.append(type(holder).__name__)
        if self._patched:
            self.notes.append(f"patched where it was bound earlier: {len(self._patched)} places in containers")
        if unreached:
            names = ", ".join(sorted(set(unreached)))
            self.notes.append(f"{len(unreached)} places that bound it earlier keep legacy, in {names}")


def _owners(holder: Any, old: Any) -> list[tuple[Any, Any]]:
    """Where exactly a holder has the old object: what is to be changed, and under which key."""
    if isinstance(holder, dict) and "__module__" in holder and "__doc__" in holder:
        # The dict of a class is changed through the class, which keeps a cache of it.
        classes = [each for each in gc.get_referrers(holder) if isinstance(each, type)]
        if classes:
            return [(classes[0], key) for key in _places(holder, old)]
    if isinstance(holder, tuple):
        users = [each for each in gc.get_referrers(holder) if isinstance(each, types.FunctionType)]
        return [(each, at) for each in users if each.__defaults__ is holder for at in _places(holder, old)]
    return [(holder, key) for key in _places(holder, old)]


def _places(holder: Any, old: Any) -> list[Any]:
    if isinstance(holder, dict):
        return [key for key, value in list(holder.items()) if value is old]
    if isinstance(holder, (list, tuple)):
        return [at for at, value in enumerate(holder) if value is old]
    return ["contents"] if isinstance(holder, types.CellType) else []


def _exchange(target: Any, key: Any, old: Any, new: Any) -> bool:
    try:
        if isinstance(target, types.CellType):
            if target.cell_contents is old:
                target.cell_contents = new
        elif isinstance(target, type):
            if vars(target).get(key) is old:
                setattr(target, key, new)
        elif isinstance(target, types.FunctionType):
            defaults = list(target.__defaults__ or ())
            defaults[key] = new
            target.__defaults__ = tuple(defaults)
        elif target[key] is old:
            target[key] = new
    except (TypeError, KeyError, IndexError, ValueError):
        return False
    return True
