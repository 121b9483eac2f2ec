"""Units that are installed: each finds its two sides. `functions` and this file say how each stands in a mode."""

from __future__ import annotations

import difflib
import functools
import gc
import importlib
import inspect
import itertools
import sys
import types
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import Switch
from exuvia.errors import CompareError, MigrateError
from exuvia.migrate.comparator.comparing import refuse_unreadable
from exuvia.migrate.comparator.ledger import comparators
from exuvia.migrate.config import split_method
from exuvia.migrate.dispatch import canary, inspected, selfsame, standing_in, whereabouts
from exuvia.migrate.dispatch.finding import inner
from exuvia.migrate.dispatch.functions import ANEW, FunctionUnit, ModuleUnit
from exuvia.migrate.dispatch.holders import elsewhere
from exuvia.migrate.dispatch.lives import Lives
from exuvia.migrate.dispatch.rebind import owns, rebind
from exuvia.migrate.shadow.containment import HERE
from exuvia.migrate.shadow.observe import kind_of
from exuvia.migrate.shadow.remote_twin import RemoteTwinMaker
from exuvia.migrate.shadow.reverse_twin import ReverseTwins
from exuvia.migrate.shadow.twin import OBSERVED, TwinMaker, observable

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia._exuvia import Comparator
    from exuvia.migrate.config import Config, UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.courier import Courier

__all__ = ["ClassUnit", "FunctionUnit", "ModuleUnit", "Unit", "make"]


def make(config: Config, unit: UnitConfig, record: Record, courier: Courier | None = None) -> Unit:
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
    if callable(legacy):
        canary.refuse(config, unit, legacy)
    candidate = _resolve(config, unit, unit.candidate, "candidate")
    selfsame.refuse(config, unit, legacy, candidate)
    courier = courier if unit.isolation == "process" else None
    is_class = isinstance(legacy, type)
    if unit.kind is not None and (unit.kind == "class") != is_class:
        raise config.refuse(unit.name, f"kind = {unit.kind!r}, but it is a {type(legacy).__name__}", "kind")
    if is_class:
        if not isinstance(candidate, type):
            raise config.refuse(unit.name, f"candidate {unit.candidate!r} is no class, as the unit is", "candidate")
        return ClassUnit(unit, legacy, candidate, record, courier, place=f"{config.path}:{unit.line}")
    if any(split_method(path)[0] for path, _ in unit.compare):
        raise config.refuse(
            unit.name, "a rule names a method, but the unit is a function: start the path with $", "compare"
        )
    if unit.attributes:
        raise config.refuse(unit.name, "attributes belong to classes, but the unit is a function", "attributes")
    if isinstance(legacy, types.ModuleType):
        return ModuleUnit(unit, legacy, candidate, record, courier)
    function = inner(legacy, unit.module, unit.qualname)
    if function is not None:
        try:
            refuse_unreadable(function, dict(unit.compare))
        except CompareError as error:
            raise config.refuse(unit.name, str(error)) from None
    return FunctionUnit(unit, legacy, candidate, record, courier, place=f"{config.path}:{unit.line}")


def _resolve(config: Config, unit: UnitConfig, name: str, key: str | None) -> Any:
    module, _, qualname = name.partition(":")
    try:
        found: Any = sys.modules.get(module)
        if found is None or getattr(getattr(found, "__spec__", None), "_initializing", False):
            found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise whereabouts.refused(config, unit, module, key) from error
        what = f"module {module!r} cannot be imported: {type(error).__name__}: {error}"
        raise config.refuse(unit.name, what, key) from error
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
    return [repr(name) for name in difflib.get_close_matches(part, dir(holder), n=3)]


_INHERITED = object()
SERVED = ("canary", "rust")
METHODS = (types.FunctionType, types.MethodDescriptorType)
OPERATORS = types.WrapperDescriptorType


class ClassUnit:
    """A class: watched in place while legacy's serves; in canary and rust another stands wherever a module names it."""

    kind = "class"

    def __init__(
        self,
        unit: UnitConfig,
        legacy: type,
        candidate: type,
        record: Record,
        courier: Courier | None,
        *,
        place: str = "",
    ) -> None:
        if legacy.__module__ != unit.module or legacy.__qualname__ != unit.qualname:
            raise MigrateError(
                f"unit {unit.name!r} is defined elsewhere: name it as {legacy.__module__}:{legacy.__qualname__}"
            )
        self.unit, self.record, self.place = unit, record, place
        self.legacy, self.candidate = legacy, candidate
        self.mode = "legacy"
        self.standing: list[str] = []
        members = observable(unit.name, legacy, candidate, steps=courier is not None)
        self.switch = Switch(legacy, candidate, legacy)
        canary.declare(self.switch, unit, legacy)
        record.switch = self.switch
        self.lives = record.lives = Lives(candidate)
        rules = _comparators(unit, members), unit.attributes
        sides = legacy, candidate
        self.maker: TwinMaker
        self.reverse: ReverseTwins | None = None
        if courier is None:
            self.maker = TwinMaker(sides, members, rules, self.switch, record)
        else:
            numbers = itertools.count(1)
            self.maker = RemoteTwinMaker(
                unit, sides, members, numbers=numbers, switch=self.switch, record=record, courier=courier
            )
            if ReverseTwins.refusal(candidate) is None:
                self.reverse = ReverseTwins(
                    unit, sides, members, numbers=numbers, switch=self.switch, record=record, courier=courier
                )
        self.chooser: type | None = None
        self._dismissed = False
        self._members = members
        self._places: set[str] = set()
        self._patched: dict[tuple[type, str], Any] = {}

    def flip(self, mode: str, accepted: int | None = None) -> None:
        """Stand in a mode; objects that are made from now on follow it, older ones stay what they are.

        Args:
            mode: `legacy`, `shadow`, `canary` or `rust`.
            accepted: The control page's word for which it holds.
        """
        place = self.unit.module, self.unit.qualname
        serving = {"canary": self.chooser, "rust": self.candidate}.get(self.mode, self.legacy)
        if mode != "legacy" and self.foreign():
            raise MigrateError(f"{self.unit.name} was replaced by someone else after install: take that off first")
        if mode in SERVED:
            self._refuse(mode)
        if mode == "canary" and self.chooser is None:
            try:
                self.chooser = standing_in.chooser(self.legacy, self.candidate, self.switch)
            except TypeError as error:
                raise MigrateError(f"unit {self.unit.name!r} cannot stand in canary: {error}") from error
        wanted = {"canary": self.chooser, "rust": self.candidate}.get(mode, self.legacy)
        if mode not in OBSERVED:
            # In this order: an object that got its mark in between would be taken for one of the next stay.
            self.maker.held.remove()
            self.maker.leave()
        self._count_calls(mode)
        if mode in OBSERVED:
            self.maker.held.apply()
        patched: list[str] = []
        for old in {serving, self.legacy, self.chooser} - {wanted, None}:
            patched += rebind(*place, old, wanted, self.unit.candidate, known=frozenset(self._places))
        self._places.update(patched)
        self.standing = [f"also rebound in {', '.join(sorted(set(patched)))}"] if patched else []
        if wanted is not serving:
            stays = elsewhere(serving)
            self.standing += (
                [f"the one that served before is still held by {', '.join(stays)}: look there"] if stays else []
            )
        if mode in SERVED:
            patched_candidate = any(owner is self.candidate for owner, _ in self._patched)
            refusal = (
                ReverseTwins.refusal(self.candidate)
                if patched_candidate
                else "calls of a compiled class are not counted"
            )
            self.standing += [refusal] if refusal else []
        if mode not in SERVED and self.reverse is not None:
            self.reverse.leave()
        self.switch.set_mode(mode, accepted)
        self.mode = mode
        if mode != "canary" and self.chooser is not None:
            self.chooser, self._dismissed = None, True

    def _refuse(self, mode: str) -> None:
        reasons = standing_in.refusals(self.legacy, self.candidate, self.chooser)
        if reasons:
            where = f"{self.place}: " if self.place else ""
            raise MigrateError(
                f"{where}unit {self.unit.name!r} cannot stand in {mode}, its candidate cannot take the place of "
                f"{self.legacy.__qualname__}: {'; '.join(reasons)}; legacy and shadow are open to it"
            )

    @property
    def notes(self) -> list[str]:
        """What should be known of the unit."""
        found, held = [*self.standing], self.maker.held
        if self.mode in OBSERVED:
            below = standing_in.below(self.legacy, self.candidate, self.chooser)
            if below:
                names = ", ".join(sorted({child.__qualname__ for child in below}))
                found.append(f"objects of subclasses are legacy's alone and not compared: {names}")
            found += [held.refusal] if held.refusal else []
        if self.mode == "shadow":
            reasons = standing_in.refusals(self.legacy, self.candidate, None)
            if reasons:
                found.append(f"it can be observed, but not stand in canary or rust: {'; '.join(reasons)}")
        if held.foreign:
            found.append(f"methods patched by the program since stay as it put them: {', '.join(held.foreign)}")
        return [*found, *self.foreign()]

    def foreign(self) -> list[str]:
        """Say whether someone else has put another class in its place, or a reload of the module has."""
        if self._own(owns(self.unit.module, self.unit.qualname)):
            return []
        if self.reloaded:
            return [f"{self.unit.name} was defined anew after install: {ANEW}"]
        return [f"{self.unit.name} was replaced by someone else after install: exuvia does not fight over it"]

    @property
    def reloaded(self) -> bool:
        """Whether the class was defined anew since install, as a reload of its module does."""
        now = owns(self.unit.module, self.unit.qualname)
        names = getattr(now, "__module__", None), getattr(now, "__qualname__", None)
        anew = isinstance(now, type) and names == (self.unit.module, self.unit.qualname)
        return anew and not self._own(now)

    def _own(self, now: object) -> bool:
        return any(now is each for each in (self.legacy, self.chooser, self.candidate))

    def settle(self, *, leave: bool = False) -> None:
        """Stop counting the candidate's calls once none of its objects is alive.

        Args:
            leave: Whether to stop whatever is alive, as exuvia leaves the process.
        """
        if self._dismissed and self.chooser is None:
            # A class is in cycles with itself: until it is collected it is one of legacy's subclasses.
            self._dismissed = False
            gc.collect()
        if leave:
            self._put_back()
        elif self._patched and self.mode not in SERVED and self.lives.alive == 0:
            self._count_calls(self.mode)

    def _count_calls(self, mode: str) -> None:
        """In mode rust count the calls of both sides, so that status can prove who served.

        After a rollback the candidate's calls are counted on for as long as it may have objects.
        """
        self._put_back()
        if mode not in SERVED and self.lives.alive == 0:
            return
        if mode in SERVED:
            # Before `__init__` is counted, so that the count stands around it.
            self._patch(self.candidate, "__init__", self.lives.initialiser(self.reverse))
            if (self.candidate, "__init__") not in self._patched:
                self.lives.lose()
        # In a canary the making is counted where its side is chosen.
        making = {} if mode == "canary" else {"__init__": vars(self.legacy).get("__init__")}
        for name, member in {**self._members, **making}.items():
            own = vars(self.legacy).get(name)
            if mode == "rust" and isinstance(own, types.FunctionType):
                self._patch(self.legacy, name, _awaiting(_counting(member, self.switch), member))
            theirs = inspect.getattr_static(self.candidate, name, None)
            if isinstance(member, property):
                made = self.reverse.property(name, theirs) if mode in SERVED and self.reverse is not None else None
                if made is not None:
                    self._patch(self.candidate, name, made)
            elif isinstance(theirs, METHODS) or (isinstance(theirs, OPERATORS) and self.reverse is not None):
                counted = self._counted(mode, name, member, theirs)
                self._patch(self.candidate, name, _awaiting(counted, theirs))

    def _counted(self, mode: str, name: str, member: Any, theirs: Any) -> Callable[..., Any]:
        """A method of the candidate that counts its calls and, while it serves, has those of a share observed."""
        if mode not in SERVED:
            return _counting_survivors(theirs, self.switch)
        reverse = None if name == "__init__" else self.reverse
        seen = None if reverse is None else reverse.method(name, kind_of(member), theirs)
        counted = self.switch.counted(theirs, seen)
        inspected.as_function(counted, theirs)
        return counted

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


def _awaiting(callable_: Callable[..., Any], function: Any) -> Callable[..., Any]:
    """Let what serves an async method be known as such: who asks, awaits it."""
    if not inspect.iscoroutinefunction(function):
        return callable_

    @functools.wraps(function)
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        return await callable_(*args, **kwargs)

    return awaited


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


Unit = FunctionUnit | ClassUnit
