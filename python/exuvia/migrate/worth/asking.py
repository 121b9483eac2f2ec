"""`exuvia worth`: watches a program or reads a profile, then judges each unit."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.errors import ConfigError, ExuviaError
from exuvia.migrate.worth import border, cover, hot, imports, profiles
from exuvia.migrate.worth.judge import LEAST, Measured, UnitWorth, Unwritten, judge
from exuvia.migrate.worth.source import find_unit
from exuvia.migrate.worth.unwritten import unwritten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exuvia.migrate.config import Config
    from exuvia.migrate.worth.counting import Counted
    from exuvia.migrate.worth.stacks import Profile

__all__ = ["Answer", "candidate_of", "from_profile", "watched"]


@dataclass(slots=True)
class Answer:
    """What `exuvia worth` found.

    Attributes:
        profile: Where the time went.
        units: The judged units.
        code: The exit code of the program that was watched; 0 for a profile.
    """

    profile: Profile
    units: list[UnitWorth] = field(default_factory=list)
    code: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for `--json`."""
        unit = "samples" if self.profile.weights else "seconds"
        times = {kind: self.profile.total(kind) for kind in ("compute", "wait", "sleep")}
        whole = {"wall": self.profile.wall, "cpu": self.profile.cpu, "overhead": self.profile.overhead}
        return {
            "source": self.profile.source,
            "unit": unit,
            **whole,
            **times,
            "exit_code": self.code,
            "notes": self.profile.notes,
            "units": [found.as_dict() for found in self.units],
        }


def from_profile(
    path: Path, root: Path, units: Sequence[str] = (), config: Config | None = None, most: int = 12
) -> Answer:
    """Judge units by a profile that another tool wrote.

    Args:
        path: The profile.
        root: The project's folder.
        units: Units to judge; else those of the configuration and the hottest ones of the project.
        config: The configuration, for units, candidates and evidence.
        most: How many hot functions are added.

    Raises:
        MigrateError: If the profile cannot be read, or a named unit is not there.
    """
    profile = profiles.read(path)
    return Answer(profile, _judged(profile, root, _asked(units, config, profile, root, most), config, {}, {}))


def watched(
    program: str,
    arguments: list[str],
    root: Path,
    *,
    is_module: bool,
    units: Sequence[str] = (),
    candidates: Mapping[str, str] | None = None,
    config: Config | None = None,
    every_s: float = 0.004,
    most: int = 12,
) -> Answer:
    """Run a program under the sampler, counting the calls of units, and judge them.

    Args:
        program: Module name or script path.
        arguments: What the program sees in `sys.argv`.
        root: The project's folder.
        is_module: Whether `program` is a module.
        units: Units to judge; else those of the configuration and the hottest ones of the project.
        candidates: What would replace a unit, to be timed on the calls that were seen.
        config: The configuration, for units, candidates and evidence.
        every_s: Seconds between two samples, on average.
        most: How many hot functions are added.

    Raises:
        MigrateError: If a named unit is not there.
    """
    from exuvia.migrate import running  # noqa: PLC0415 - only for a program that is run
    from exuvia.migrate.worth.counting import Counting  # noqa: PLC0415 - it loads the extension
    from exuvia.migrate.worth.sampler import Sampler  # noqa: PLC0415 - the same

    running.find_as_python_does(program, is_module=is_module)
    replaced = {**({name: unit.candidate for name, unit in config.units.items()} if config else {})}
    replaced.update(candidates or {})
    named = list(dict.fromkeys([*units, *(config.units if config and not units else ()), *(candidates or ())]))
    for unit in named:
        find_unit(unit)
    with Counting(named) as counting, Sampler(every_s) as sampler:
        code = running.execute(program, arguments, is_module=is_module)
    profile = sampler.profile()
    asked = named if units else _asked((), config, profile, root, most, None if is_module else Path(program).stem)
    answer = Answer(profile, code=code)
    answer.units = _judged(profile, root, asked, config, counting.units, replaced)
    return answer


def _asked(  # noqa: PLR0917 - all that decides it
    units: Sequence[str], config: Config | None, profile: Profile, root: Path, most: int, script: str | None = None
) -> list[str]:
    """The units to judge; what is run and never imported cannot be one, so its own compute becomes a note."""
    if units:
        return list(units)
    declared = list(config.units) if config is not None else []
    inside = tuple(f"{unit}." for unit in declared)
    found = []
    for one in hot.by_profile(profile, root, 4 * most):
        module, _, name = one.unit.partition(":")
        if module.rpartition(".")[2] == "__main__" or module == script:
            if one.weight >= LEAST:
                profile.notes.append(
                    f"{one.weight:.0%} of the compute is in {name} itself ({module} is run, not imported, and cannot "
                    "be a unit): what is hot there can move once it is a function of its own module"
                )
        elif not one.unit.startswith(inside):
            found.append(one.unit)
    return list(dict.fromkeys([*declared, *found[:most]]))


def _judged(  # noqa: PLR0917 - all that a verdict needs
    profile: Profile,
    root: Path,
    units: Sequence[str],
    config: Config | None,
    counted: Mapping[str, Counted],
    candidates: Mapping[str, str],
) -> list[UnitWorth]:
    graph, covered = imports.read(root), cover.read(root)
    evidence: dict[str, Measured | Unwritten | str] = dict(_evidence(config))
    named = {unit.name: unit.candidate for unit in (config.units.values() if config else ())} | dict(candidates)
    replacing = [*candidates.values(), *(unit.candidate for unit in (config.units.values() if config else ()))]
    found = []
    for unit in units:
        source = find_unit(unit, [root, *sys.path])
        measured = evidence.get(unit)
        to_do = unwritten(unit, named[unit], [root, *sys.path]) if unit in named else None
        if to_do is not None:
            # It would be as fast as legacy, being legacy: that says nothing of what is to come.
            measured = Unwritten(to_do)
        elif not isinstance(measured, Measured) and unit in candidates:
            timed = _timed(unit, candidates[unit], counted.get(unit))
            measured = timed if isinstance(timed, Measured) or measured is None else f"{measured}; {timed}"
        elif isinstance(measured, Measured) and unit in candidates:
            found_there = _loaded(candidates[unit])
            measured = replace(measured, crosses=None if isinstance(found_there, str) else border.crosses(found_there))
        share = covered.of(source) if covered is not None else None
        users = graph.users(source.name, replacing)
        if source.name != unit:
            # Named where it is only passed on: who imports it there uses it too.
            passed = graph.users(unit, replacing)
            for kind in ("importers", "tests", "mentions"):
                known = getattr(users, kind)
                known += [one for one in getattr(passed, kind) if one not in known]
        found.append(judge(source, profile, users, counted.get(unit), measured, share))
        found[-1].unit = unit
    return found


def _evidence(config: Config | None) -> dict[str, Measured | str]:
    """The speed of candidates that ran in shadow; one that differs is not measured."""
    if config is None:
        return {}
    from exuvia.migrate.evidence import reading  # noqa: PLC0415 - it loads the extension

    found: dict[str, Measured | str] = {}
    try:
        states = reading.statuses(config, reading.read_folder(config.evidence))
    except (ExuviaError, OSError):
        return {}
    for state in states:
        legacy, candidate, compared = (state.counts[name] for name in ("legacy_ns", "candidate_ns", "compared"))
        if state.counts["differed"]:
            found[state.unit] = "the candidate differs, so its speed does not count"
        elif compared and legacy and candidate:
            found[state.unit] = Measured(legacy / candidate, f"measured in shadow: {compared:,} calls of this code")
    return found


def _timed(unit: str, candidate: str, counted: Counted | None) -> Measured | str:
    if counted is None or not counted.kept:
        return "no call of it was seen that could be timed"
    from exuvia.migrate.worth.timing import timed  # noqa: PLC0415 - it loads the extension

    sides = [_loaded(unit), _loaded(candidate)]
    for side in sides:
        if isinstance(side, str):
            return side
    times = timed(sides[0], sides[1], counted.kept)
    if isinstance(times, str):
        return times
    source = f"timed after the run: {len(counted.kept)} calls of it, in turns"
    return Measured(times[0] / max(times[1], 1e-9), source, border.crosses(sides[1]))


def _loaded(name: str) -> Any:
    """What `package.module:name` names, or why it cannot be had."""
    module, _, qualname = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        return f"{name} cannot be loaded: {error}"
    return found


def candidate_of(text: str) -> tuple[str, str]:
    """Read `UNIT=CANDIDATE`, both as `package.module:name`.

    >>> candidate_of("bot.bars:mean=fast:mean")
    ('bot.bars:mean', 'fast:mean')

    Args:
        text: As it was written.

    Raises:
        ConfigError: If it is not written like this.
    """
    unit, found, candidate = text.partition("=")
    if not found or ":" not in unit or ":" not in candidate:
        raise ConfigError(f"--candidate {text!r}: write it as package.module:name=package.module:name")
    return unit.strip(), candidate.strip()
