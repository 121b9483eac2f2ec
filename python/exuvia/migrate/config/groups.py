"""The tables `[group.NAME]` and their gates: units that flip together, and what a step of theirs needs."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Any

from exuvia.migrate.config.place import line_of
from exuvia.migrate.config.tables import CALENDARS, GateConfig, GroupConfig
from exuvia.migrate.config.units import EFFECTS
from exuvia.migrate.gates import kinds, presets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exuvia.migrate.config.check import Checker
    from exuvia.migrate.config.tables import UnitConfig

__all__ = ["read"]

KEYS = (
    "units",
    "requires",
    "effect",
    "sessions",
    "approvers",
    "calendar",
    "activity",
    "served",
    "served_keys",
    "preset",
    "gate",
)
MOST_KEYS = 64
"""Keys are marked in 256 bits: of more than this, too many would share one."""
_NAME = re.compile(r"^[A-Za-z][\w-]*$")


def read(
    check: Checker, tables: dict[str, Any], declared: Mapping[str, UnitConfig], calendar: str
) -> dict[str, GroupConfig]:
    """Read all groups.

    Args:
        check: The file.
        tables: `[group]`.
        declared: The units.
        calendar: The calendar of groups that name none.

    Raises:
        ConfigError: For a unit in two groups, a group that requires itself, or what is unknown.
    """
    groups = {name: _group(check, name, table, declared, calendar) for name, table in tables.items()}
    owner: dict[str, str] = {}
    for group in groups.values():
        for unit in group.units:
            if unit in owner:
                raise check.refuse(
                    ("group", group.name),
                    "units",
                    f"unit {unit!r} is in two groups, {owner[unit]!r} and {group.name!r}",
                )
            owner[unit] = group.name
        for other in group.requires:
            check.known(("group", group.name), other, tuple(groups), "group")
    for name in groups:
        _refuse_cycle(check, groups, name)
    return groups


def _group(check: Checker, name: str, table: Any, declared: Mapping[str, UnitConfig], calendar: str) -> GroupConfig:
    here = ("group", name)
    if not isinstance(table, dict) or not _NAME.match(name):
        raise check.refuse(here, None, f"group {name!r} is a table with a plain name: write [group.{name}]")
    for key in table:
        check.known(here, key, KEYS, "key")
    preset = check.word(here, table, "preset", presets.NAMES, None) if "preset" in table else None
    base = presets.of(preset)
    units: dict[str, None] = {}
    for pattern in check.texts(here, table, "units"):
        found = fnmatch.filter(declared, pattern)
        if not found:
            raise check.refuse(here, "units", f"no declared unit is named {pattern!r}: declare it as [unit.…] first")
        units.update(dict.fromkeys(found))
    effect = check.word(here, table, "effect", EFFECTS, "pure")
    if effect != "pure" and units:
        raise check.refuse(
            here, "effect", f"effect {effect!r} needs the tape, which comes later: a group of units is 'pure' now"
        )
    gates = {
        key: GateConfig(key, gate["kind"], kinds.checked(gate["kind"], gate, key)[0], line_of(check.text, here))
        for key, gate in base.get("gate", {}).items()
    }
    gates.update(_gates(check, name, table.get("gate", {}), gates))
    return GroupConfig(
        name=name,
        units=tuple(units),
        requires=check.texts(here, table, "requires"),
        effect=effect,
        sessions=check.whole(here, table, "sessions", base.get("sessions", 5), 1),
        approvers=check.whole(here, table, "approvers", base.get("approvers", 1), 1),
        calendar=check.word(here, table, "calendar", CALENDARS, base.get("calendar", calendar)),
        activity=check.share(here, table, "activity", 0.95),
        served=check.whole(here, table, "served", 20, 1),
        served_keys=check.whole(here, table, "served_keys", 1, 1, most=MOST_KEYS),
        preset=preset,
        gates=gates,
        line=line_of(check.text, here),
    )


def _gates(check: Checker, group: str, tables: Any, base: Mapping[str, GateConfig]) -> dict[str, GateConfig]:
    if not isinstance(tables, dict):
        raise check.refuse(("group", group), "gate", f"gates are tables: write [group.{group}.gate.NAME]")
    gates = {}
    for name, given in tables.items():
        here = ("group", group, "gate", name)
        if not isinstance(given, dict):
            raise check.refuse(("group", group, "gate"), name, f"gate {name!r} is a table")
        table = {**base[name].params, **given} if name in base else given
        kind = check.word(here, table, "kind", kinds.KINDS, None)
        for key in table:
            check.known(here, key, ("kind", *kinds.keys(kind)), "key")
        params, wrong = kinds.checked(kind, table, name)
        if wrong is not None:
            raise check.refuse(here, *wrong)
        gates[name] = GateConfig(name, kind, params, line_of(check.text, here))
    return gates


def _refuse_cycle(check: Checker, groups: Mapping[str, GroupConfig], start: str) -> None:
    way, seen = [start], set()
    while way:
        for other in groups[way.pop()].requires:
            if other == start:
                raise check.refuse(("group", start), "requires", f"group {start!r} requires itself in the end")
            if other not in seen:
                seen.add(other)
                way.append(other)
