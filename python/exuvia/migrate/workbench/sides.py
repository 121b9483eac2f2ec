"""Both sides of a unit outside of the trading program, and a case: the calls that go through both of them."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import detached_copy
from exuvia.errors import CompareError, ConfigError
from exuvia.migrate.comparator.ledger import comparator_of
from exuvia.migrate.config import split_method
from exuvia.migrate.modes import names
from exuvia.migrate.shadow import driven
from exuvia.migrate.shadow.compared import compare_arguments, compare_call, numbered
from exuvia.migrate.shadow.containment import run_contained

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exuvia._exuvia import Comparator, Difference
    from exuvia.migrate.config import Config, UnitConfig
    from exuvia.migrate.workbench.recordings import Call

__all__ = [
    "Case",
    "Found",
    "Sides",
    "Step",
    "UnreadError",
    "acting",
    "cases_of",
    "chosen",
    "going_on",
    "not_rebuilt",
    "resolve",
]

Outcome = tuple[Any, BaseException | None]


@dataclass(frozen=True, slots=True)
class Step:
    """One call.

    Attributes:
        call: The method; empty for a function.
        args: Positional arguments.
        kwargs: Keyword arguments.
        asked: What a generator was asked, step by step; `None` for any other call.
    """

    call: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    asked: tuple[tuple[str, Any], ...] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """Calls that belong together: one of a function, or those of one object, its making first.

    Attributes:
        steps: The calls.
        id: What it is called by.
        mixed: Whether they are calls of several objects, played on one.
    """

    steps: tuple[Step, ...]
    id: str = ""
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A difference that a case shows.

    Attributes:
        step: Which call.
        difference: Path, kind and both values.
    """

    step: int
    difference: Difference

    @property
    def key(self) -> tuple[str, str]:
        """What makes two differences the same one: place and kind."""
        return self.difference.place, self.difference.kind


class UnreadError(CompareError):
    """Nothing differs, as far as it could be read: what a call did to its arguments could not."""


def resolve(name: str) -> Any:
    """Load what `package.module:name` names.

    Args:
        name: The name.

    Raises:
        ConfigError: If it cannot be loaded.
    """
    module, _, qualname = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{name!r} cannot be loaded: {error}: run this where the program runs") from error
    return found


def chosen(config: Config, units: Sequence[str]) -> list[UnitConfig]:
    """Return the units that a command names, all of them if it names none; their modules can be found then.

    Args:
        config: The configuration.
        units: Their names.

    Raises:
        ConfigError: For a unit that is not declared.
    """
    for folder in (os.fspath(config.path.parent), os.getcwd()):  # noqa: PTH109 - sys.path holds texts
        if folder not in sys.path:
            sys.path.insert(0, folder)
    for unit in units:
        if unit not in config.units:
            raise names.unknown(unit, config)
    return [config.units[unit] for unit in dict.fromkeys(units or config.units)]


class Sides:
    """Both sides of a unit.

    Args:
        unit: The unit.
        candidate: What stands for the candidate, else the one of the configuration.
    """

    def __init__(self, unit: UnitConfig, candidate: Callable[..., Any] | None = None) -> None:
        self.unit = unit
        self.legacy = resolve(unit.name)
        self.candidate = resolve(unit.candidate) if candidate is None else candidate
        self.is_class = isinstance(self.legacy, type)
        self._comparators: dict[str, Comparator] = {}

    def rules(self, call: str) -> dict[str, str]:
        """Return the rules that hold for a method, or for the function.

        Args:
            call: The method, empty for a function.
        """
        rules = {}
        for written, rule in self.unit.compare:
            method, path = split_method(written)
            if method is None or method == call:
                rules[path] = rule
        return rules

    def comparator(self, call: str) -> Comparator:
        """Return the comparator of a method, or of the function.

        Args:
            call: The method, empty for a function.
        """
        if call not in self._comparators:
            self._comparators[call] = comparator_of(self.unit, self.rules(call), method=call)
        return self._comparators[call]

    def play(self, side: Any, case: Case) -> list[tuple[Outcome, dict[int | str, Any]]]:
        """Run a case through one side, on copies.

        Args:
            side: `legacy` or `candidate` of this object.
            case: The case.

        Returns:
            Outcome and arguments after the call, of each call; nothing follows a making that raised.
        """
        played = []
        made: Any = None
        for step in case.steps:
            args, kwargs = detached_copy(step.args)[0], detached_copy(step.kwargs)[0]
            making = not self.is_class or step.call == "__init__"
            function = side if making else acting(made, step.call)
            work: Callable[..., Any] = finished
            given: tuple[Any, ...] = (function, args, kwargs)
            if step.asked is not None:
                work, given = driven.drive, (*given, step.asked)
            outcome, _, interrupt = run_contained(work, given, {}, guard_random=True)
            if interrupt is not None:
                raise interrupt
            if self.is_class and step.call == "__init__":
                made, outcome = outcome[0], (None, outcome[1])
            played.append((outcome, numbered(args, kwargs)))
            if self.is_class and made is None:
                break
        return played

    def compare(self, case: Case, other: Any = None) -> list[Found]:
        """Run a case through legacy and the candidate.

        Args:
            case: The case.
            other: What stands for the candidate; legacy itself for A/A.

        Returns:
            What differs, in the first call that does: later ones follow from it.

        Raises:
            UnreadError: If nothing else differs, and changed arguments cannot be read.
            CompareError: If the results cannot be compared.
        """
        mine = self.play(self.legacy, case)
        theirs = self.play(self.candidate if other is None else other, case)
        return self.differences(case, mine, theirs)

    def differences(
        self,
        case: Case,
        mine: list[tuple[Outcome, dict[int | str, Any]]],
        theirs: list[tuple[Outcome, dict[int | str, Any]]],
    ) -> list[Found]:
        """Compare what both sides did.

        Args:
            case: The case.
            mine: Of legacy, as `play` returns it.
            theirs: Of the other side.

        Raises:
            UnreadError: If nothing else differs, and changed arguments cannot be read.
            CompareError: If the results cannot be compared.
        """
        unknown = ""
        for number, (one, other) in enumerate(zip(mine, theirs, strict=False)):
            comparator = self.comparator(case.steps[number].call)
            if isinstance(one[0][0], driven.Played) and isinstance(other[0][0], driven.Played):
                verdicts, unread = compare_arguments(comparator, one[1], other[1])
                verdicts = [*driven.compare(comparator, one[0][0], other[0][0]), *verdicts]
            else:
                verdicts, unread = compare_call(comparator, (one[0], other[0]), (one[1], other[1]))
            found = [Found(number, difference) for verdict in verdicts for difference in verdict.differences]
            if found:
                return found
            unknown = unknown or unread
        if len(mine) != len(theirs):
            raise CompareError(f"{self.unit.name}: one side made an object and the other did not")
        if unknown:
            raise UnreadError(unknown)
        return []


def finished(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call, and await what came if it is to be awaited.

    Args:
        function: What is called.
        args: Positional arguments.
        kwargs: Keyword arguments.
    """
    came = function(*args, **kwargs)
    return asyncio.run(_awaited(came)) if hasattr(type(came), "__await__") else came


async def _awaited(came: Any) -> Any:
    return await came


def acting(made: Any, call: str) -> Callable[..., Any]:
    """Return what a recorded step of an object does: calls a method, or reads or writes a property.

    >>> acting(3, "bit_length")(), acting(3, "real")()
    (2, 3)

    Args:
        made: The object.
        call: The member's name.
    """
    if callable(getattr(type(made), call, None)):
        method: Callable[..., Any] = getattr(made, call)
        return method
    return lambda *value: setattr(made, call, *value) if value else getattr(made, call)


def cases_of(sides: Sides, calls: list[Call]) -> list[Case]:
    """Return what recorded calls amount to: each by itself, or those of one object in their order.

    An object whose life was recorded from its making on is made again by the calls that it had. Those of all other
    objects of a process are played on one object in the order in which they were recorded: a difference is real
    there too, but the program's own objects need not have looked like that.

    Args:
        sides: Both sides of the unit.
        calls: Its recorded calls.
    """
    if not sides.is_class:
        return [Case((Step(call.call, call.args, call.kwargs, call.asked),), call.id) for call in calls]
    lives: dict[tuple[str, int], list[Call]] = {}
    rest: dict[str, list[Call]] = {}
    for call in calls:
        if call.object and call.step is not None:
            lives.setdefault((call.segment, call.object), []).append(call)
        else:
            rest.setdefault(call.segment, []).append(call)
    cases = []
    for (segment, _), life in lives.items():
        life.sort(key=lambda call: call.step or 0)
        whole = [call for number, call in enumerate(life) if call.step == number]
        rest.setdefault(segment, []).extend(life[len(whole) :])
        if whole:
            cases.append(Case(_steps(whole), whole[-1].id))
    return cases + [_mixed(group) for group in rest.values() if group]


def _mixed(group: list[Call]) -> Case:
    making = [call for call in group if call.call in ("", "__init__")]
    first = making[:1] or [replace(group[0], call="__init__", args=(), kwargs={})]
    others = [call for call in group if call.call not in ("", "__init__")]
    return Case(_steps(first + others), group[0].id, mixed=True)


def _steps(calls: list[Call]) -> tuple[Step, ...]:
    return tuple(Step(call.call or "__init__", call.args, call.kwargs, call.asked) for call in calls)


def going_on(cases: list[Case]) -> str | None:
    """Say of how many generators only the first steps are on record, since they went on.

    Args:
        cases: As `cases_of` returns them.
    """
    cut = sum(driven.is_cut(step.asked) for case in cases for step in case.steps)
    if not cut:
        return None
    return (
        f"{cut:,} recorded calls are of generators that had not ended when they were recorded (at most "
        f"{driven.LONGEST:,} steps are kept of one): they are played that far"
    )


def not_rebuilt(cases: list[Case]) -> str | None:
    """Say which recorded calls of a class could not be played on the objects that they belong to.

    Args:
        cases: As `cases_of` returns them.
    """
    calls = sum(len(case.steps) - 1 for case in cases if case.mixed)
    if not calls:
        return None
    return (
        f"{calls:,} recorded calls belong to objects whose life is not on record from its making on: they were played "
        "on one object in the order in which they were recorded, so what they show need not be what the program saw"
    )
