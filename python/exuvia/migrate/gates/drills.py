"""From when to when a group stood in legacy for a drill only: that costs no session.

A drill is asked for before the step to rust. It rolls the group back and puts it where it stood, within seconds; what
legacy served meanwhile is no reason to wait for another session. A drill that failed has no end: the group stays in
legacy, and its session is none of the mode in which it stood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exuvia.migrate.config import GroupConfig
    from exuvia.migrate.modes.said import Journal

__all__ = ["spans"]

LEGACY = "legacy"
ASIDE = 1_000_000_000
"""Hosts do not have the same time to the millisecond: nanoseconds on each side."""


def spans(journal: Journal, group: GroupConfig) -> list[tuple[int, int]]:
    """Return the drills of a group that put it back, as UTC nanoseconds from and to.

    Args:
        journal: The mode journal.
        group: The group.
    """
    found: list[tuple[int, int]] = []
    began, names = None, {group.name, "*", *group.units}
    for entry in journal.lines:
        if entry.get("kind", "mode") not in ("mode", "quarantine") or entry.get("unit") not in names:
            continue
        drill, at = entry.get("drill") is True, int(entry.get("ns", 0))
        if drill and entry.get("mode") == LEGACY:
            began = at
        else:
            if drill and began is not None:
                found.append((began - ASIDE, at + ASIDE))
            began = None
    return found
