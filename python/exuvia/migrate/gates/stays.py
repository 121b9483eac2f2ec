"""From when to when a group of artefacts stood in a mode, by the mode journal.

Nothing of such a group runs through exuvia, so no evidence bears its mode. What a person does with its two programs at
each step is told by the journal only: a session is of the mode in which the group stood from its open to its close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exuvia.migrate.config import GroupConfig
    from exuvia.migrate.modes.said import Journal

__all__ = ["FOREVER", "stays", "within"]

FOREVER = 2**63


def stays(journal: Journal, group: GroupConfig, mode: str) -> list[tuple[int, int]]:
    """Return when a group stood in a mode, UTC nanoseconds from and to.

    Args:
        journal: The mode journal.
        group: The group.
        mode: The mode.
    """
    found: list[tuple[int, int]] = []
    began, until = None, FOREVER
    for entry in journal.lines:
        if entry.get("kind", "mode") not in ("mode", "quarantine") or entry.get("unit") not in (group.name, "*"):
            continue
        at = int(entry.get("ns", 0))
        if began is not None and (entry.get("mode") != mode or until < FOREVER):
            found.append((began, min(at, until)))
            began = None
        if entry.get("mode") == mode:
            # A broken glass ends by itself.
            began, until = (at if began is None else began), int(entry.get("until_ns") or FOREVER)
    return found if began is None else [*found, (began, until)]


def within(spans: list[tuple[int, int]], start: int, end: int) -> bool:
    """Say whether a session lies whole within one of the stays.

    >>> within([(5, 9)], 5, 9), within([(5, 9)], 4, 9), within([], 1, 2)
    (True, False, False)

    Args:
        spans: As `stays` returns them.
        start: Its open.
        end: Its close.
    """
    return any(began <= start and end <= over for began, over in spans)
