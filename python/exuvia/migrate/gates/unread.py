"""Evidence of the F of now that is gone, was changed, or cannot be read: it may have held a difference.

One difference ends the count of an F for good, so what may have held one cannot be left out. Without a header nobody
knows of which units a file is: then it is of all. A restart with a cause leaves it behind.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from exuvia.errors import MigrateError
from exuvia.migrate.gates import restarts
from exuvia.migrate.gates.prints import current_prints

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.evidence.reading import SegmentText
    from exuvia.migrate.gates.judge import GroupVerdict

__all__ = ["reasons"]

DAY = 86_400_000_000_000
FOREVER = 2**63
GONE = ("refused", "headless", "newer", "damaged", "changed", "missing", "unwritten")
"""What is wrong with evidence that may have held a difference. What a kill tears off holds none: a difference is on the
disk at once, and where the disk did not take it the file is marked. What was lost and told later is in the counters."""


def reasons(
    made: GroupVerdict, config: Config, group: GroupConfig, segments: Sequence[SegmentText], day: str | None = None
) -> Iterator[str]:
    """Say what is missing of the evidence of the F of now.

    Args:
        made: The verdict with its sessions.
        config: The configuration.
        group: The group.
        segments: As `read_folder` returns them.
        day: The day that was asked for: what began after it is no matter. Without it there is no end, for the day
            that nobody can read may be the newest.
    """
    mine = [session for session in made.sessions if session.current or session.against]
    if not group.units or not mine:
        return
    try:
        anew = restarts.of_units(config.evidence)
    except MigrateError as error:
        yield str(error)
        return
    left = max((at for unit in group.units for at, _ in anew.get(unit, ())), default=0)
    since, until = max(left, _midnight(mine[0].day)), FOREVER if day is None else _midnight(day) + 2 * DAY
    prints = current_prints(config, group, segments)
    for segment in segments:
        seen = segment.header.get("fingerprints", {})
        if segment.header and not any(prints.get(unit) == seen.get(unit, "") for unit in group.units):
            continue
        what = [trouble for trouble in getattr(segment, "troubles", ()) if trouble.what in GONE]
        spans = [(began, over) for began, over, _ in getattr(segment, "unknown", ())]
        if segment.header and what and not spans:
            began = int(segment.header.get("started_ns", 0))
            spans = [(began, max(began, getattr(segment, "last_at", 0)) + 1)]
        if any(began < until and over > since for began, over in spans):
            said = what[0].text if what else segment.unknown[0][2]
            yield (
                f"{said}; without it nobody knows whether something differed: bring it back, or count anew: "
                f'exuvia gate {group.name} --restart "WHY"'
            )


def _midnight(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * DAY
