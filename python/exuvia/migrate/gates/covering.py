"""Whether a session was covered: most of its time by what was active, its inputs by kinds that were seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia.migrate.gates import alive
from exuvia.migrate.gates.activity import LISTED
from exuvia.migrate.gates.kinds import ALONE

if TYPE_CHECKING:
    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.gates.activity import Activity
    from exuvia.migrate.gates.sessions import Session

__all__ = ["by_activity", "by_inputs"]

NOVEL = 0.05
"""How probable it may be that the next call is of a kind that was never seen."""


def by_activity(here: Session, config: Config, group: GroupConfig, seen: Activity) -> None:
    """Judge how much of a session was active: each unit by its calls, each side of an artefact by its rows' times.

    Args:
        here: The session.
        config: The configuration.
        group: The group.
        seen: What its processes did in it.
    """
    if group.units:
        known = {unit: (seen.at_work[unit], config.units[unit].activity) for unit in group.units}
    else:
        known = {
            f"{gate.gate} ({side})": (minutes, gate.every)
            for gate in here.gates.values()
            for side, minutes in gate.alive.items()
            if side == "candidate" or gate.kind not in ALONE
        }
        dumb = [gate for gate in here.gates.values() if not gate.alive and gate.every != alive.DAILY]
        if dumb and len(dumb) == len(here.gates):
            here.unsure(
                'activity is unknown: no row of any artefact has a time; name its field, when = "ts", or say of what '
                'is written once a day by nature activity = "daily"'
            )
        elif dumb:
            names = ", ".join(gate.gate for gate in dumb)
            here.notes.append(f"activity is not measured by {names}: no field of its rows is known to hold a time")
    for name, (minutes, every) in known.items():
        if every == alive.DAILY:
            continue
        found = alive.share(minutes, here.open, here.close, every)
        here.alive[name] = found.share
        if found.share >= group.activity:
            continue
        whose = f"{name} was " if len(known) > 1 else ""
        if not found.share:
            here.unsure(f"open but silent: {whose or 'nothing was '}{'not ' if whose else ''}active in the session")
            continue
        each = "" if every == alive.EVERY else f" (in stretches of {every:g} s)"
        here.unsure(
            f"calendar and activity disagree: {whose}active for {found.share:.1%} of the session{each}, "
            f"{group.activity:.0%} is needed; {found.silent}"
        )
    here.activity = min(here.alive.values(), default=None)


def by_inputs(
    session: Session, group: GroupConfig, seen: Activity, known: dict[tuple[str, str], tuple[set[Any], int]]
) -> None:
    """Judge whether the inputs are covered: what is new becomes rare.

    The chance that the next call is of a kind that was never seen is about the share of kinds seen once (I. Good,
    *Biometrika* 40, 1953), and that is at most the kinds seen over the calls.

    Args:
        session: The session.
        group: The group.
        seen: What its processes did in it.
        known: Kinds and calls so far, by F and unit; they go on.
    """
    for unit in group.units:
        before, calls = known.get((str(session.f), unit), (set(), 0))
        new, calls = seen.signatures[unit] - before, calls + seen.counts[unit]["compared"]
        known[str(session.f), unit] = (before | new, calls)
        if not seen.counts[unit]["compared"]:
            continue
        if unit in seen.unsigned and not before | new:
            session.unsure(f"coverage of {unit} is unknown: its evidence counts no kinds of input")
        if unit in seen.saturated:
            session.unsure(f"coverage of {unit} is unknown: its process ended its list of kinds at {LISTED:,}")
        more = seen.unlisted[unit]
        share = min(1.0, (len(before | new) + more) / calls)
        if (new or more) and share > NOVEL:
            beyond = f", {more:,} calls were of kinds beyond those that a process lists" if more else ""
            session.unsure(
                f"coverage of {unit} is not reached: {len(new):,} kinds of input were new{beyond}, and the next call "
                f"is of a new kind with a chance of up to {share:.0%} ({NOVEL:.0%} is allowed)"
            )
