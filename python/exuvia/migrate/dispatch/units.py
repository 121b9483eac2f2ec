"""Units that are installed: each finds its two sides, and knows how to stand in a mode."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import Switch
from exuvia.errors import CompareError, MigrateError
from exuvia.migrate.comparator.comparing import refuse_unreadable
from exuvia.migrate.comparator.ledger import comparators
from exuvia.migrate.config import split_method
from exuvia.migrate.dispatch import splice
from exuvia.migrate.dispatch.lives import Lives
from exuvia.migrate.dispatch.rebind import owns, rebind
from exuvia.migrate.shadow.containment import HERE
from exuvia.migrate.shadow.observe import observer
from exuvia.migrate.shadow.remote_twin import RemoteTwinMaker
from exuvia.migrate.shadow.twin import TwinMaker, observable

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia._exuvia import Comparator
    from exuvia.migrate.config import Config, UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.courier import Courier

__all__ = ["ClassUnit", "FunctionUnit", "make"]


def make(config: Config, unit: UnitConfig, record: Record, courier: Courier | None = None) -> FunctionUnit | ClassUnit:
    """Find both sides of a unit and prepare it; nothing of the program is changed yet.

    Args:
        config: The whole configuration, for the line in errors.
        unit: The unit.
        record: Where its calls go.
        courier: The way to the worker; without one the candidate runs in the caller's thread.

    Raises:
        ConfigError: If either side cannot be found.
        MigrateError: If it cannot be moved safely.
    """
    legacy = _resolve(config, unit, unit.name, None)
    candidate = _resolve(config, unit, unit.candidate, "candidate")
    courier = courier if unit.isolation == "process" else None
    is_class = isinstance(legacy, type)
    if unit.kind is not None and (unit.kind == "class") != is_class:
        raise config.refuse(unit.name, f"kind = {unit.kind!r}, but it is a {type(legacy).__name__}", "kind")
    if is_class:
        if not isinstance(candidate, type):
            raise config.refuse(unit.name, f"candidate {unit.candidate!r} is no class, as the unit is", "candidate")
        return ClassUnit(unit, legacy, candidate, record, courier)
    if any(split_method(path)[0] for path, _ in unit.compare):
        raise config.refuse(
            unit.name, "a rule names a method, but the unit is a function: start the path with $", "compare"
        )
    if unit.attributes:
        raise config.refuse(unit.name, "attributes belong to classes, but the unit is a function", "attributes")
    if callable(candidate):
        function = splice.plain_function(unit.name, legacy, unit.module, unit.qualname)
        _refuse_other_signature(f"{config.path}:{unit.line}", unit, function, candidate)
        try:
            refuse_unreadable(function, dict(unit.compare))
        except CompareError as error:
            raise config.refuse(unit.name, str(error)) from None
    return FunctionUnit(unit, legacy, candidate, record, courier)


def _resolve(config: Config, unit: UnitConfig, name: str, key: str | None) -> Any:
    module, _, qualname = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except Exception as error:
        what = f"module {module!r} cannot be imported: {type(error).__name__}: {error}"
        raise config.refuse(unit.name, what, key) from error
    holder: Any = None
    for part in qualname.split("."):
        holder = found
        try:
            found = inspect.getattr_static(found, part) if isinstance(found, type) else getattr(found, part)
        except AttributeError:
            names = ", ".join(_nearest(part, holder)) or "nothing like it"
            raise config.refuse(
                unit.name, f"{name!r} is unknown: {part!r} is not there; there is {names}", key
            ) from None
    return found if key is None or not isinstance(holder, type) else getattr(holder, qualname.rpartition(".")[2])


def _nearest(part: str, holder: object) -> list[str]:
    import difflib  # noqa: PLC0415 - only for an error

    return [repr(name) for name in difflib.get_close_matches(part, dir(holder), n=3)]


_INHERITED = object()


class FunctionUnit:
    """A function or method: spliced, or replaced by attribute where the splice was never tested."""

    kind = "function"

    def __init__(self, unit: UnitConfig, legacy: Any, candidate: Any, record: Record, courier: Courier | None) -> None:
        function = splice.plain_function(unit.name, legacy, unit.module, unit.qualname)
        if not callable(candidate):
            raise MigrateError(f"unit {unit.name!r}: the candidate {unit.candidate} cannot be called")
        self.unit, self.record = unit, record
        self.mode = "legacy"
        self.notes: list[str] = []
        served = splice.legacy_copy(function)
        self.switch = Switch(served, candidate, observer(served, candidate, unit, record, courier))
        functools.update_wrapper(self.switch.callable, function)
        record.switch = self.switch
        self._splice: splice.Splice | None = None
        if splice.can_splice():
            cached = legacy if isinstance(legacy, functools._lru_cache_wrapper) else None
            self._splice = splice.Splice(function, self.switch.callable, cached)
        elif "." in unit.qualname:
            raise MigrateError(
                f"unit {unit.name!r}: methods need the splice, which was never tested on Python "
                f"{sys.version.split()[0]}"
            )
        else:
            self.notes.append(f"replaced by attribute: the splice was never tested on Python {sys.version.split()[0]}")
        self._function: Any = legacy

    def settle(self, *, leave: bool = False) -> None:
        """Nothing outlives a flip of a function."""

    def flip(self, mode: str) -> None:
        """Stand in a mode; the next call follows it.

        Args:
            mode: `legacy`, `shadow` or `rust`.
        """
        self.switch.set_mode(mode)
        if self._splice is not None:
            if mode == "legacy":
                self._splice.restore()
            else:
                self._splice.apply()
        else:
            current = getattr(sys.modules[self.unit.module], self.unit.qualname)
            wanted = self._function if mode == "legacy" else self.switch.callable
            rebind(self.unit.module, self.unit.qualname, current, wanted, self.unit.candidate)
        self.mode = mode


class ClassUnit:
    """A class: replaced by module attribute, and wherever else a module holds it by name."""

    kind = "class"

    def __init__(
        self, unit: UnitConfig, legacy: type, candidate: type, record: Record, courier: Courier | None
    ) -> None:
        if legacy.__module__ != unit.module or legacy.__qualname__ != unit.qualname:
            raise MigrateError(
                f"unit {unit.name!r} is defined elsewhere: name it as {legacy.__module__}:{legacy.__qualname__}"
            )
        self.unit, self.record = unit, record
        self.legacy, self.candidate = legacy, candidate
        self.mode = "legacy"
        self.notes: list[str] = []
        members = observable(unit.name, legacy, candidate)
        self.switch = Switch(legacy, candidate, legacy)
        record.switch = self.switch
        self.lives = record.lives = Lives(candidate)
        rules = _comparators(unit, members), unit.attributes
        sides = legacy, candidate
        if courier is None:
            self.twin = TwinMaker(sides, members, rules, self.switch, record).twin
        else:
            self.twin = RemoteTwinMaker(unit, sides, members, switch=self.switch, record=record, courier=courier).twin
        self._methods = {name: member for name, member in members.items() if isinstance(member, types.FunctionType)}
        self._places: set[str] = set()
        self._patched: dict[tuple[type, str], Any] = {}

    def flip(self, mode: str) -> None:
        """Stand in a mode; objects that are made from now on follow it, older ones stay what they are.

        Args:
            mode: `legacy`, `shadow` or `rust`.
        """
        wanted = {"legacy": self.legacy, "shadow": self.twin, "rust": self.candidate}[mode]
        current = owns(self.unit.module, self.unit.qualname)
        if current not in (self.legacy, self.twin, self.candidate):
            raise MigrateError(f"{self.unit.name} was replaced by someone else after install: take that off first")
        self._count_calls(mode)
        place = self.unit.module, self.unit.qualname
        patched: list[str] = []
        for old in {current, self.legacy, self.twin} - {wanted}:
            patched += rebind(*place, old, wanted, self.unit.candidate, known=frozenset(self._places))
        self._places.update(patched)
        below: list[type] = self.legacy.__subclasses__()
        subclasses = [child.__qualname__ for child in below if child is not self.twin]
        self.notes = [f"also rebound in {', '.join(sorted(set(patched)))}"] if patched else []
        if subclasses:
            self.notes.append(f"subclasses keep legacy: {', '.join(subclasses)}")
        if mode == "rust" and not any(owner is self.candidate for owner, _ in self._patched):
            self.notes.append("calls of a compiled class are not counted")
        self.switch.set_mode(mode)
        self.mode = mode

    def settle(self, *, leave: bool = False) -> None:
        """Stop counting the candidate's calls once none of its objects is alive.

        Args:
            leave: Whether to stop whatever is alive, as exuvia leaves the process.
        """
        if leave:
            self._put_back()
        elif self._patched and self.mode != "rust" and self.lives.alive == 0:
            self._count_calls(self.mode)

    def _count_calls(self, mode: str) -> None:
        """In mode rust count the calls of both sides, so that status can prove who served.

        After a rollback the candidate's calls are counted on for as long as it may have objects.
        """
        self._put_back()
        if mode != "rust" and self.lives.alive == 0:
            return
        if mode == "rust":
            # Before `__init__` is counted, so that the count stands around it.
            self._patch(self.candidate, "__init__", self.lives.initialiser())
            if (self.candidate, "__init__") not in self._patched:
                self.lives.lose()
        for name, function in {**self._methods, "__init__": vars(self.legacy).get("__init__")}.items():
            own = vars(self.legacy).get(name)
            if mode == "rust" and isinstance(own, types.FunctionType):
                self._patch(self.legacy, name, _counting(function, self.switch))
            theirs = inspect.getattr_static(self.candidate, name, None)
            if isinstance(theirs, (types.FunctionType, types.MethodDescriptorType)):
                if mode == "rust":
                    counted = self.switch.counted(theirs)
                    functools.update_wrapper(counted, theirs)
                else:
                    counted = _counting_survivors(theirs, self.switch)
                self._patch(self.candidate, name, counted)

    def _put_back(self) -> None:
        for place, original in list(self._patched.items()):
            owner, name = place
            if original is not _INHERITED:
                setattr(owner, name, original)
            elif name in vars(owner):
                delattr(owner, name)
            del self._patched[place]

    def _patch(self, owner: type, name: str, value: Any) -> None:
        original = vars(owner).get(name, _INHERITED)
        try:
            setattr(owner, name, value)
        except TypeError:
            return
        self._patched.setdefault((owner, name), original)


def _counting(function: Any, switch: Switch) -> Callable[..., Any]:
    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        switch.count(legacy=1)
        return function(*args, **kwargs)

    return counted


def _counting_survivors(function: Any, switch: Switch) -> Callable[..., Any]:
    """Count the calls of the candidate's objects that outlived a flip, not those of twins."""

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        if not HERE.contained:
            switch.count(candidate=1)
        return function(*args, **kwargs)

    return counted


def _comparators(unit: UnitConfig, members: dict[str, Any]) -> dict[str, Comparator]:
    """Rules without a method hold for every method; those with one are added to them."""
    for written, _ in unit.compare:
        method, _ = split_method(written)
        if method is not None and method not in members and method != "__init__":
            raise MigrateError(
                f"unit {unit.name!r}: a rule names method {method!r}, which is not observed: {', '.join(members)}"
            )
    return comparators(unit.compare, unit.divergences)


def _refuse_other_signature(place: str, unit: UnitConfig, legacy: types.FunctionType, candidate: Any) -> None:
    """The candidate must take what the trampoline passes: positions first, keyword-only by name."""
    try:
        theirs = inspect.signature(candidate)
    except (ValueError, TypeError):
        return
    ours = inspect.signature(legacy)
    kinds = inspect.Parameter
    positional = [p for p in ours.parameters.values() if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    keywords = {p.name: None for p in ours.parameters.values() if p.kind is kinds.KEYWORD_ONLY}
    try:
        theirs.bind(*[None] * len(positional), **keywords)
    except TypeError as error:
        raise MigrateError(
            f"{place}: unit {unit.name!r} has the signature {ours}, its candidate {unit.candidate} "
            f"has {theirs}: {error}"
        ) from None
