"""Where what is on record lets units stand: each by itself, and those that flip together or lean on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia.migrate.modes import standing
from exuvia.migrate.modes.said import lower

if TYPE_CHECKING:
    from exuvia.migrate.config import Config
    from exuvia.migrate.gates.verdict import UnitStatus
    from exuvia.migrate.modes.said import Journal

__all__ = ["flip_allowed", "together"]


def together(config: Config, states: dict[str, UnitStatus], journal: Journal) -> None:
    """Put no unit higher than the lowest of its group, nor than what that requires, as each of them runs now.

    Args:
        config: The configuration.
        states: The status of every unit, with where it stands by itself; changed where another one holds it.
        journal: The mode journal.
    """

    def holds(unit: str, mode: str, /) -> standing.Standing | None:
        state = states[unit]
        if mode in ("legacy", "shadow"):
            return None
        stale = None if config.rehearsal or not state.fingerprint else journal.stale(unit, state.fingerprint)
        allowed, note = (True, None) if mode == "canary" else flip_allowed(state, journal)
        why = stale or state.refused or (None if allowed else note)
        return standing.Standing(standing.STALE, why) if why else None

    for name, state in states.items():
        effective = str(state.effective)
        place = standing.of_unit(config, journal, name, holds=holds)
        if place.mode != effective and lower(place.mode, effective) == place.mode:
            state.effective = place.mode
            state.notes.insert(0, str(place.why))


def flip_allowed(state: UnitStatus, journal: Journal) -> tuple[bool, str | None]:
    """Say whether a unit that file and journal put in rust may stand there, and what to warn of.

    A difference of this very code keeps it in shadow; where nothing was compared it may, with a warning.

    Args:
        state: What is on record of the current code.
        journal: The mode journal.
    """
    verdict, reason = state.judged()
    if verdict == "PASS":
        return True, None
    glass = journal.glass_broken(state.unit)
    if glass is not None:
        return True, f"rust without a PASS, glass broken ({glass}): {verdict}, {reason}"
    if verdict == "FAIL":
        return False, f"held in shadow: {verdict}, {reason}; exuvia promote {state.unit} --to rust --break-glass WHY"
    return True, f"rust without a PASS of this code: {reason}"
