"""One F for a group: what would run now, and what ran on a day."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from exuvia.migrate import fingerprint
from exuvia.migrate.own import json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.evidence.reading import SegmentText

__all__ = ["current_f", "current_prints", "joined", "settings_digest"]


def current_f(config: Config, group: GroupConfig, segments: Iterable[SegmentText]) -> str | None:
    """Return the F of a group as its code is on disk now; `None` where nothing is on record.

    Args:
        config: The configuration.
        group: The group.
        segments: As `read_folder` returns them.
    """
    return joined(group, current_prints(config, group, segments))


def current_prints(config: Config, group: GroupConfig, segments: Iterable[SegmentText]) -> dict[str, str]:
    """Return the F of each unit of a group as its code is on disk now; of one without a record there is none.

    Args:
        config: The configuration.
        group: The group.
        segments: As `read_folder` returns them.
    """
    held = list(segments)
    prints: dict[str, str] = {}
    for name in group.units:
        unit = config.units[name]
        tried: set[str] = set()
        for segment in reversed(held):
            recorded = segment.header.get("fingerprints", {}).get(name)
            if recorded is None or recorded in tried:
                continue
            tried.add(recorded)
            prints[name] = fingerprint.current(config, unit, segment.header)
            if prints[name] == recorded:
                break
    return prints


def joined(group: GroupConfig, prints: dict[str, str]) -> str | None:
    """Return one F for all units of a group; a unit alone keeps its own.

    Args:
        group: The group.
        prints: F by unit.

    Returns:
        `None` if a unit has none.
    """
    if not group.units:
        return settings_digest(group)
    if any(unit not in prints for unit in group.units):
        return None
    if len(group.units) == 1:
        return prints[group.units[0]]
    return hashlib.sha256("".join(prints[unit] for unit in sorted(group.units)).encode()).hexdigest()[:16]


def settings_digest(group: GroupConfig) -> str:
    """Return a digest of what a group's gates ask for: the F of a group that is observed by artefacts only.

    Args:
        group: The group.
    """
    settings = {name: dict(gate.params) for name, gate in group.gates.items()}
    said = json.dumps([group.calendar, group.activity, settings], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:16]
