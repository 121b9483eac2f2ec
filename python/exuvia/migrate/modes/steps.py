"""`exuvia promote`: takes a group up one step, if everything that the step needs is on record."""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.modes import ahead, frozen, hooks, overlays, requirements, standing, transitions, worth
from exuvia.migrate.modes import judging as gate
from exuvia.migrate.modes import surface as surfaces
from exuvia.migrate.modes.names import FOLLOWS, follows, group_named
from exuvia.migrate.modes.said import Journal, lower, read
from exuvia.migrate.modes.writing import open_journal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.modes.judging import Judge, Judged
    from exuvia.migrate.modes.requirements import Need
    from exuvia.migrate.modes.surface import Surface

__all__ = ["Outcome", "allowed", "promote"]

TRIES = 3


@dataclass(slots=True)
class Outcome:
    """What became of a step.

    Attributes:
        name: The unit or group.
        now: Where it stood.
        to: Where it should go.
        verdict: `PASS` if everything was there, else `FAIL` or `INCONCLUSIVE`.
        needs: Everything that the step needs.
        promoted: Whether it was written.
        glass: Why it goes up without what it needs.
        until_ns: When a broken glass ends.
        left_out: Why `--all` did not mean it.
        worth: The worth-it verdict of each unit for speed that the step was taken on.
        follows: What follows by itself: nothing of a group that is observed by its artefacts.
    """

    name: str
    now: str
    to: str
    verdict: str = "PASS"
    needs: list[Need] = field(default_factory=list)
    promoted: bool = False
    glass: str | None = None
    until_ns: int | None = None
    left_out: str | None = None
    worth: dict[str, dict[str, Any]] = field(default_factory=dict)
    follows: str = FOLLOWS

    @property
    def missing(self) -> list[str]:
        """What is missing, in words."""
        return [need.why for need in self.needs if need.verdict != "PASS"]

    @property
    def do(self) -> list[str]:
        """What to run next, command by command; one that begins with `or` may be run instead of that before it."""
        found = (need.do for need in self.needs if need.verdict != "PASS")
        return [command for words in dict.fromkeys(found) for command in words.splitlines()]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for `--json`."""
        return {**asdict(self), "missing": self.missing, "next": self.do}


def allowed(config: Config, name: str, to: str) -> tuple[bool, list[str]]:
    """Say whether a unit or group may go up to a mode now, and what is missing; nothing is written.

    Args:
        config: The configuration.
        name: A unit or a group.
        to: The mode.

    Raises:
        ConfigError: For a name that is not declared.
    """
    try:
        (outcome,) = promote(config, [name], to, "", write=False)
    except MigrateError as error:
        return False, [str(error)]
    return outcome.verdict == "PASS", outcome.missing


def promote(
    config: Config,
    names: Sequence[str],
    to: str,
    reason: str,
    *,
    glass: str | None = None,
    override: str | None = None,
    every: bool = False,
    write: bool = True,
    judge: Judge = gate.judge,
    surface: Surface = surfaces.surface,
) -> list[Outcome]:
    """Raise what the journal allows groups, where everything that the step needs is on record.

    Args:
        config: The configuration.
        names: Units and groups; each is judged by itself.
        to: The mode.
        reason: Kept in the journal.
        glass: Why a group goes up without what it needs: it ends with the session, and is kept in the journal.
        override: Why units for speed move whatever the worth-it verdict on them is; kept in the journal.
        every: Whether all are meant whose ceiling and mode allow it.
        write: Whether it is done, or only said. What is only said names everything that stands in the way: a ceiling
            and steps that come first are then among the needs, and no error.
        judge: What gives the verdict.
        surface: What compares the surfaces of both sides.

    Returns:
        What became of each.

    Raises:
        ConfigError: For a name that is not declared.
        MigrateError: For a step that does not exist, a group above its ceiling where it is to be written, or a journal
            that cannot be trusted; nothing is written then.
    """
    if bool(names) == every:
        raise MigrateError("name the units or groups to promote, or pass --all")
    if glass is not None and not glass.strip():
        raise MigrateError("a glass is broken with a reason: it stays in the journal")
    if override is not None and not override.strip():
        raise MigrateError("a worth-it verdict is overridden with a reason: it stays in the journal")
    chosen = [group_named(config, name) for name in (names or [*config.groups, *config.units])]
    groups = list({group.name: group for group in chosen}.values())
    if override is not None and not any(requirements.speedy(config, group) for group in groups):
        raise MigrateError("nothing is overridden: a worth-it verdict is needed only where aim is speed")
    journal = trusted(config)
    steps: list[tuple[GroupConfig, Outcome]] = []
    for group in groups:
        outcome = Outcome(group.name, _now(config, group, journal, to, judge)[0], to)
        refused = _refused(config, group, outcome.now, to, glass=glass is not None)
        if refused is not None and not every and write:
            raise MigrateError(f"{group.name}: {refused}")
        above = _above(config, group, to)
        if every and refused is None and outcome.now == to == "shadow":
            refused = "already in shadow"
        if every:
            outcome.left_out = refused if above is None else f"its mode in {config.path.name} is {above[1]}"
        steps.append((group, outcome))
    outcomes = []
    for group, outcome in steps:
        if outcome.left_out is None:
            done = _step(
                config, group, to, reason, glass=glass, override=override, write=write, judge=judge, surface=surface
            )
            outcomes.append(done)
        else:
            outcomes.append(outcome)
    if any(outcome.promoted for outcome in outcomes):
        overlays.publish(config)
    return outcomes


def trusted(config: Config) -> Journal:
    """Read a journal on which something may be raised.

    Args:
        config: The configuration.

    Raises:
        MigrateError: If it, or the clock, cannot be trusted.
    """
    journal = read(config.evidence)
    if journal.broken is not None:
        raise MigrateError(f"the mode journal cannot be trusted, so nothing is promoted: {journal.broken}")
    turned = frozen.clock_behind(journal)
    if turned is not None:
        raise MigrateError(turned)
    return journal


def _now(config: Config, group: GroupConfig, journal: Journal, to: str, judge: Judge) -> tuple[str, Judged | None]:
    """Where a group stands, with the gate's verdict if one is needed: other code than was promoted is in shadow."""
    here = standing.of_group(config, journal, group).mode
    if to == "shadow" and here in ("legacy", "shadow"):
        return here, None
    judged = judge(config, group, journal, to)
    return standing.of_group(config, journal, group, f=judged.f).mode, judged


def _above(config: Config, group: GroupConfig, to: str) -> tuple[str, str] | None:
    """A unit whose ceiling lies below a mode, and that ceiling."""
    for unit in group.units:
        ceiling = config.units[unit].mode
        if lower(ceiling, to) != to:
            return unit, ceiling
    return None


def _refused(config: Config, group: GroupConfig, now: str, to: str, *, glass: bool) -> str | None:
    """Why a step does not exist here, whatever is on record."""
    # No file can say `retired`: what that needs is no ceiling.
    above = None if to == "retired" else _above(config, group, to)
    if above is not None:
        return f"the configuration's ceiling is {above[1]}; raise mode of {above[0]} in {config.path} first"
    return transitions.refusal(now, to, rehearsal=config.rehearsal, glass=glass, name=group.name)


def _step(
    config: Config,
    group: GroupConfig,
    to: str,
    reason: str,
    *,
    glass: str | None,
    override: str | None,
    write: bool,
    judge: Judge,
    surface: Surface,
) -> Outcome:
    """Judge and write; if another operator wrote meanwhile, judge again."""
    for _ in range(TRIES):
        journal = trusted(config)
        now, judged = _now(config, group, journal, to, judge)
        refused = _refused(config, group, now, to, glass=glass is not None)
        if refused is not None and write:
            raise MigrateError(f"{group.name}: {refused}")
        outcome = Outcome(group.name, now, to, follows=follows(config, group.name))
        needs = functools.partial(
            requirements.needs, config, group, journal, surface=surface, now_ns=journal.now(), override=override
        )
        if refused is not None:
            broken = glass is not None
            before = ahead.on_the_way(config, group, now, to, glass=broken)
            first = [(step, needs(step, judged=_now(config, group, journal, step, judge)[1])) for step in before]
            held = requirements.always(config, group, journal, to, glass=True, now_ns=journal.now(), judged=judged)
            all_of_it = [*first, (to, held if broken else needs(to, judged=judged))]
            outcome.needs = ahead.in_the_way(config, group, now, to, all_of_it, glass=broken)
            outcome.verdict = _worst(outcome.needs)
            return outcome
        outcome.needs = needs(to, judged=judged)
        outcome.worth = _worth(config, group, journal, override)
        outcome.verdict = _worst(outcome.needs)
        skips = transitions.refusal(now, to, rehearsal=config.rehearsal, glass=False) is not None
        if glass is not None and (skips or outcome.verdict != "PASS"):
            held = requirements.always(config, group, journal, to, glass=True, now_ns=journal.now(), judged=judged)
            if held:
                outcome.needs, outcome.verdict = held, _worst(held)
                return outcome
            outcome.glass = glass
            outcome.until_ns = frozen.session_end(group.calendar, journal.now())
        elif outcome.verdict != "PASS":
            if outcome.verdict == "FAIL" and write:
                cause = "; ".join(outcome.missing)
                hooks.call(config, {"event": "fail", "unit": group.name, "to": to, "cause": cause})
            return outcome
        if not write:
            return outcome
        with open_journal(config.evidence) as pen:
            if pen.read().head == journal.head:
                pen.append({**_entry(group, journal, outcome, judged, reason), **_marks(config)})
                outcome.promoted = True
                return outcome
    raise MigrateError(f"{group.name}: others keep writing the mode journal of {config.evidence}: look, and try again")


def _entry(
    group: GroupConfig, journal: Journal, outcome: Outcome, judged: Judged | None, reason: str
) -> dict[str, Any]:
    entry: dict[str, Any] = {"unit": group.name, "mode": outcome.to, "was": outcome.now, "reason": reason}
    if group.units and group.units != (group.name,):
        entry["units"] = list(group.units)
    if judged is not None:
        # A broken glass needs no evidence, and without any F is not known: then it holds for whatever code there is.
        entry["f"] = {unit: f for unit, f in judged.f.items() if f}
    if outcome.worth:
        entry["worth"] = outcome.worth
    if outcome.glass is not None:
        # What holds once the session is over: never a mode that another broken glass gave.
        under = [journal.unbroken[name] for name in (group.name, *group.units) if journal.under_glass(name)]
        entry["was"] = functools.reduce(lower, under, outcome.now)
        entry |= {"break_glass": outcome.glass, "until_ns": outcome.until_ns, "verdict": outcome.verdict}
    return entry


def _marks(config: Config) -> dict[str, Any]:
    """What an entry says of where it was made: what a rehearsal promotes counts in rehearsals only."""
    return {"rehearsal": True} if config.rehearsal else {}


def _worth(config: Config, group: GroupConfig, journal: Journal, override: str | None) -> dict[str, dict[str, Any]]:
    """The verdicts that a step stands on; a rehearsal asks for none, and keeps only what was said."""
    if config.rehearsal and override is None:
        return {}
    units = requirements.speedy(config, group)
    return {unit: worth.on_record(journal, config.units[unit], override).as_dict() for unit in units}


def _worst(needs: Sequence[Need]) -> str:
    verdicts = {need.verdict for need in needs}
    return "FAIL" if "FAIL" in verdicts else "INCONCLUSIVE" if "INCONCLUSIVE" in verdicts else "PASS"
