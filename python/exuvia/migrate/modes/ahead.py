"""What stands in the way of a step that is only looked at: the ceiling, steps that come first, all that they need."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exuvia.errors import MigrateError
from exuvia.migrate.modes import transitions
from exuvia.migrate.modes.entries import MODES
from exuvia.migrate.modes.requirements import Need
from exuvia.migrate.modes.said import lower

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia.migrate.config import Config, GroupConfig

__all__ = ["in_the_way", "on_the_way"]


def on_the_way(config: Config, group: GroupConfig, now: str, to: str, *, glass: bool) -> list[str]:
    """Return the modes between where a group stands and where it should go that must not be left out.

    Args:
        config: The configuration.
        group: The group.
        now: Where it stands.
        to: Where it should go.
        glass: Whether the glass is broken, which leaves them out.

    Raises:
        MigrateError: If nothing that could be put on record leads there: a step down, or back from retired.
    """
    never = transitions.refusal(now, to, rehearsal=True, glass=glass, name=group.name)
    if never is not None:
        raise MigrateError(f"{group.name}: {never}")
    if transitions.refusal(now, to, rehearsal=config.rehearsal, glass=glass) is None:
        return []
    return list(MODES[MODES.index(now) + 1 : MODES.index(to)])


def in_the_way(
    config: Config, group: GroupConfig, now: str, to: str, needs: Sequence[tuple[str, Sequence[Need]]], *, glass: bool
) -> list[Need]:
    """Return everything that stands in the way, what comes first before the rest.

    Args:
        config: The configuration.
        group: The group.
        now: Where it stands.
        to: Where it should go.
        needs: What each step on the way needs, by its mode; the step itself comes last.
        glass: Whether the glass is broken.
    """
    found = []
    for unit in group.units:
        ceiling = config.units[unit].mode
        if lower(ceiling, to) != to:
            why = f"{unit}: the configuration's ceiling is {ceiling}; raise its mode in {config.path} first"
            found.append(Need("ceiling", "INCONCLUSIVE", why))
    skipped = transitions.refusal(now, to, rehearsal=config.rehearsal, glass=glass, name=group.name)
    if skipped is not None:
        found.append(Need("step", "INCONCLUSIVE", f"{group.name}: {skipped}"))
    *before, (_, last) = needs
    known = {(need.what, need.why) for need in last}
    for step, its in before:
        for need in its:
            if need.verdict != "PASS" and (need.what, need.why) not in known:
                known.add((need.what, need.why))
                found.append(replace(need, why=f"{step} comes first: {need.why}"))
    return [*found, *last]
