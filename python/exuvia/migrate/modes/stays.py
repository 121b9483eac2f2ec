"""Where a group stood, change by change, as the journal tells it: what a drill lowered and put back is no change.

>>> from exuvia.migrate.modes.said import Journal
>>> journal = Journal()
>>> for more in ({"mode": "canary"}, {"mode": "legacy", "drill": True}, {"mode": "canary", "drill": True}):
...     journal.take({"v": 2, "unit": "desk", **more})
>>> [change.mode for change in changes(journal, {"desk"})]
['canary']
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exuvia.migrate.modes.entries import MODES
from exuvia.migrate.modes.said import EVERY_UNIT, lower

if TYPE_CHECKING:
    from collections.abc import Collection

    from exuvia.migrate.config import GroupConfig
    from exuvia.migrate.modes.said import Journal

__all__ = ["Change", "changes", "lowest_since", "names_of"]


@dataclass(frozen=True, slots=True)
class Change:
    """An entry that moved a group, or one of its units.

    Attributes:
        place: Where it stands among the journal's entries.
        mode: Where it moved it.
        entry: The entry.
    """

    place: int
    mode: str
    entry: dict[str, Any]


def names_of(group: GroupConfig) -> frozenset[str]:
    """Return the names by which entries move a group.

    Args:
        group: The group.
    """
    return frozenset((group.name, *group.units))


def changes(journal: Journal, names: Collection[str]) -> list[Change]:
    """Return what moved a group, in order; a drill only if it is over and the group was not put back.

    Args:
        journal: The mode journal.
        names: The group's name, and those of its units.
    """
    found: list[Change] = []
    drilled: Change | None = None
    for place, entry in enumerate(journal.lines):
        kind, unit = entry.get("kind", "mode"), entry.get("unit")
        if kind == "drill" and unit in names and drilled is not None:
            # What it had put back would stand before this.
            found.append(drilled)
            drilled = None
        mine = unit == EVERY_UNIT or unit in names or any(each in names for each in entry.get("units", ()))
        if kind not in ("mode", "quarantine") or not mine:
            continue
        change = Change(place, entry["mode"] if kind == "mode" else MODES[0], entry)
        back = bool(entry.get("drill")) and change.mode != MODES[0]
        if drilled is not None and not back:
            found.append(drilled)
        if entry.get("drill"):
            drilled = None if back else change
        else:
            found.append(change)
            drilled = None
    return found


def lowest_since(journal: Journal, names: Collection[str], since: int, now_ns: int | None = None) -> str | None:
    """Return the lowest mode in which a group stood after an entry of another; `None` if nothing moved it.

    Args:
        journal: The mode journal.
        names: The group's name, and those of its units.
        since: Where the other's entry stands among the journal's entries.
        now_ns: UTC nanoseconds, else the clock's.
    """
    lowest: str | None = None
    found = changes(journal, names)
    afters: list[Change | None] = [*found[1:], None]
    for change, after in zip(found, afters, strict=False):
        if after is not None and after.place < since:
            continue
        before = change.entry.get("was")
        until = change.entry.get("until_ns")
        end = journal.now(now_ns) if after is None else after.entry.get("ns", 0)
        stood = [change.mode] if change.place > since else []
        if before in MODES and (change.place > since or (until is not None and end >= until)):
            # Where it was raised from, and where a broken glass let it fall to.
            stood.append(before)
        for mode in stood:
            lowest = mode if lowest is None else lower(lowest, mode)
    return lowest
