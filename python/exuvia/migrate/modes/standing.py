"""Where a unit stands: the lowest of its ceiling, the journal, its group, what that requires, and the overlays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from exuvia.errors import ConfigError
from exuvia.migrate.modes import stays
from exuvia.migrate.modes.entries import MODES
from exuvia.migrate.modes.said import lower, refuse_writable_by_others

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.modes.said import Journal

__all__ = ["STALE", "Holds", "Standing", "killed", "leads_to", "note", "of_group", "of_unit"]

STALE = "shadow"
"""Where a unit stands that was promoted with other code than it has now."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A mode and what holds it there.

    Attributes:
        mode: The mode.
        why: What holds it below its ceiling, if anything does.
        unsaid: Whether it stands there because nothing that counts ever promoted it.
    """

    mode: str
    why: str | None = None
    unsaid: bool = False


class Holds(Protocol):
    """What holds a unit down beside configuration and journal: its code as it is now, and this process."""

    def __call__(self, unit: str, mode: str, /) -> Standing | None:
        """Return what holds a unit below a mode, `None` if nothing does."""
        ...


def killed(config: Config) -> str | None:
    """Say that the kill file is there, if it is; one that cannot be looked at counts as there.

    Args:
        config: The configuration.
    """
    path = config.kill_file
    if path is None:
        return None
    try:
        refuse_writable_by_others(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ConfigError, OSError) as error:
        return f"the kill file is there, or cannot be looked at ({error})"
    return f"the kill file {path} is there"


def of_unit(
    config: Config,
    journal: Journal,
    unit: str,
    ceiling: str | None = None,
    now_ns: int | None = None,
    *,
    holds: Holds | None = None,
) -> Standing:
    """Say where a unit stands.

    Args:
        config: The configuration.
        journal: The mode journal.
        unit: The unit's name.
        ceiling: Instead of the unit's own ceiling.
        now_ns: UTC nanoseconds, else the clock's.
        holds: What else holds a unit down.
    """
    own = {} if ceiling is None else {unit: ceiling}
    return of_group(config, journal, config.group_of(unit), own, now_ns, asked=unit, holds=holds)


def note(
    config: Config, journal: Journal, unit: str, ceiling: str | None = None, place: Standing | None = None
) -> str | None:
    """Say what holds a unit below its ceiling, since when, and what to run; nothing if it stands there.

    Args:
        config: The configuration.
        journal: The mode journal.
        unit: The unit's name.
        ceiling: Instead of the unit's own ceiling.
        place: What `of_unit` said of it, if it was asked just now.
    """
    place = place or of_unit(config, journal, unit, ceiling)
    top = ceiling or config.units[unit].mode
    said = journal.effective(unit, top)
    if place.why is not None and not place.unsaid and lower(place.mode, said) != said:
        # The journal alone would have it higher: what else holds it is the reason.
        return place.why
    return (None if place.unsaid else journal.held(unit, top, rehearsal=config.rehearsal)) or place.why


def of_group(
    config: Config,
    journal: Journal,
    group: GroupConfig,
    ceilings: dict[str, str] | None = None,
    now_ns: int | None = None,
    *,
    f: Mapping[str, str] | None = None,
    asked: str | None = None,
    holds: Holds | None = None,
) -> Standing:
    """Say where a group stands: its units flip together, so the lowest of them decides.

    Args:
        config: The configuration.
        journal: The mode journal.
        group: The group.
        ceilings: Instead of the units' own.
        now_ns: UTC nanoseconds, else the clock's.
        f: F of the units as they are now: one that was promoted with another stands in shadow.
        asked: The unit of which the answer is: what holds it by itself does not name it again.
        holds: What else holds a unit down; asked of all units of the group and of what it requires.
    """
    if journal.broken is not None:
        return Standing(MODES[0], f"the mode journal cannot be trusted: {journal.broken}")
    kill = killed(config)
    if kill is not None:
        return Standing(MODES[0], kill)
    found = []
    for unit in group.units or (group.name,):
        own = _own(config, journal, group, unit, ceiling=(ceilings or {}).get(unit), now_ns=now_ns)
        found.append(replace(own, why=_subject(group, unit, asked) + own.why) if own.why else own)
    for unit, now in (f or {}).items():
        stale = None if config.rehearsal else journal.stale(unit, now)
        if stale is not None:
            found.append(Standing(STALE, f"{unit}: {stale}"))
    for name in group.requires:
        other = of_group(config, journal, config.groups[name], None, now_ns, holds=holds)
        found.append(Standing(other.mode, f"group {group.name} requires {name}, which stands in {other.mode}"))
        found += _since(config, journal, group, config.groups[name], now_ns)
    place = found[0] if len(found) == 1 else min(found, key=lambda one: MODES.index(one.mode))
    for unit in group.units:
        held = None if holds is None else holds(unit, place.mode)
        if held is not None and lower(held.mode, place.mode) != place.mode:
            subject = _subject(group, unit, asked)
            place = replace(held, why=f"{subject}is {held.why}" if subject else held.why)
    return place


def leads_to(config: Config, group: GroupConfig) -> list[GroupConfig]:
    """Return a group and all that it requires, and what these require; it comes first.

    Args:
        config: The configuration, which has no cycles.
        group: The group.
    """
    found = [group]
    for each in found:
        found += [config.groups[name] for name in each.requires if config.groups[name] not in found]
    return found


def _since(
    config: Config, journal: Journal, group: GroupConfig, other: GroupConfig, now_ns: int | None
) -> list[Standing]:
    """What a group that is required went down to after the last word on this one: only promote raises this one again.

    Nobody looked at its market, its approval and its evidence when the other one was raised.
    """
    own = stays.changes(journal, stays.names_of(group))
    if config.rehearsal or not own:
        return []
    low = stays.lowest_since(journal, stays.names_of(other), own[-1].place, now_ns)
    if low is None:
        return []
    why = f"stood in {low} after {group.name} was promoted, and only promote raises: run exuvia promote {group.name}"
    return [Standing(low, f"group {group.name} requires {other.name}, which {why}")]


def _subject(group: GroupConfig, unit: str, asked: str | None) -> str:
    """What the reason is of, where that is not the unit that was asked for."""
    if unit == asked:
        return ""
    if asked is None:
        return f"{unit} "
    return f"group {group.name} flips as one, and its unit {unit} "


def _own(
    config: Config, journal: Journal, group: GroupConfig, name: str, *, ceiling: str | None, now_ns: int | None
) -> Standing:
    """Where a unit would stand by itself; a group without units has no ceiling but the journal."""
    declared = config.units.get(name)
    top = ceiling or (declared.mode if declared is not None else MODES[-1])
    if name in journal.quarantined:
        return Standing(MODES[0], f"is in quarantine: {journal.quarantined[name].get('cause')}")
    said = journal.said(name, now_ns)
    rehearsed = said is not None and not config.rehearsal and journal.rehearsed(name)
    if said is None or (rehearsed and said != MODES[0]):
        if config.rehearsal or top == MODES[0]:
            return Standing(top)
        word = "was promoted in a rehearsal only, which does not count" if rehearsed else "was never promoted"
        if declared is None:
            # Observed by its artefacts: both sides run by themselves, and that is what shadow is.
            return Standing(lower(top, "shadow"), f"{word}: it goes no higher than shadow", unsaid=True)
        way = f"legacy; the file allows {top}: run exuvia promote {group.name} --to shadow"
        return Standing(MODES[0], f"{word}, so it stands in {way}", unsaid=True)
    mode = lower(top, said)
    return Standing(mode, None if mode == top else f"is held at {said} by the mode journal")
