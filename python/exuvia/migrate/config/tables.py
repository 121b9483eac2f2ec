"""What a configuration says once it is read: units, groups, gates and declared divergences.

Values are checked by then; times are seconds, sizes are bytes, shares lie in 0 … 1.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.errors import ConfigError
from exuvia.migrate.config.place import line_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

__all__ = ["Caps", "Config", "Divergence", "GateConfig", "GroupConfig", "UnitConfig"]

MIB = 1024 * 1024
CALENDARS = ("24/7", "CME", "FX24x5", "XNYS")
"""The calendars that `exuvia.sessions` has."""


@dataclass(frozen=True, slots=True)
class Caps:
    """How much a canary may serve in a day; above it legacy serves.

    Attributes:
        calls: Calls of the unit in a day.
        calls_a_key: Calls of one key in a day.
        amount: Sum of the amounts in a day, as a decimal text.
        amount_a_key: The same for one key.
        amount_at: Path of a call's amount in the arguments, `$args.notional`.
    """

    calls: int | None = None
    calls_a_key: int | None = None
    amount: str | None = None
    amount_a_key: str | None = None
    amount_at: str | None = None


@dataclass(frozen=True, slots=True)
class Divergence:
    """A difference that is meant: counted in every report, never silently ignored.

    Attributes:
        path: Where it is, as in a rule.
        legacy: Legacy's value as its repr, or `None` for any.
        candidate: The candidate's value as its repr, or `None` for any.
        owner: Who answers for it.
        reason: Why it is right.
        expires: The last day on which it holds.
        budget: How many hits are declared; one more is a difference.
    """

    path: str
    owner: str
    reason: str
    expires: date
    budget: int
    legacy: str | None = None
    candidate: str | None = None


@dataclass(frozen=True, slots=True)
class UnitConfig:
    """One unit as declared.

    Attributes:
        name: `package.module:name` of the legacy function, method or class.
        candidate: The same for what replaces it.
        aim: `speed`, `retire` or `safety`.
        mode: The ceiling.
        effect: `pure`.
        compare: Rules by path; a class may put `method:` before the path.
        kind: `function`, `method` or `class` if declared.
        attributes: Attributes of a class that are compared after every call.
        line: Where the unit is declared.
        isolation: Where the candidate runs in shadow: `process` (a worker) or `thread` (the caller's own).
        pickling: Whether code of the program that pickles its objects is run for a sample: `refuse` or `run`.
        sample: Share of the calls that are compared (of a class: of the objects), in shadow and canary; in rust too if
            it is below 1, else 1 %.
        deadline: Seconds that one call of the candidate may take.
        memory: Bytes that the worker may use above what it has when the candidate is loaded.
        budget: Share of one core that the unit's shadow may use.
        queue: Samples that may wait for the worker.
        when_full: `drop` (and count), or `wait` in a rehearsal.
        key: Path of the canary's sticky key in the arguments, `$args.account` or `$args[0]`.
        share: Share of the keys that a canary serves.
        caps: What a canary may serve in a day.
        strata: Name and path of what splits the calls for the bounds: side, instrument.
        record: Calls with arguments and result that are kept for each novel signature. Besides these, up to 64 of
            a process: its first 20 calls of the unit, and then numbers 24, 32, 48, 64, 96, … 0 keeps none.
        fallback: Whether legacy answers when the candidate raises where it serves and cannot have changed what it was
            given; if it can, its error is raised and the unit goes back. Without, its errors are raised.
        divergences: Differences that are meant.
        override: Why the unit moves although it is not worth it.
        activity: Seconds of a stretch of the session in which it must have been at work, 0 where once a day is all.
    """

    name: str
    candidate: str
    aim: str = "speed"
    mode: str = "legacy"
    effect: str = "pure"
    compare: tuple[tuple[str, str], ...] = ()
    kind: str | None = None
    attributes: tuple[str, ...] = ()
    line: int = 1
    isolation: str = "process"
    pickling: str = "refuse"
    sample: float = 1.0
    deadline: float = 1.0
    memory: int = 512 * MIB
    budget: float = 1.0
    queue: int = 4096
    when_full: str = "drop"
    key: str | None = None
    share: float = 0.05
    caps: Caps = field(default_factory=Caps)
    strata: tuple[tuple[str, str], ...] = ()
    record: int = 1
    fallback: bool = True
    divergences: tuple[Divergence, ...] = ()
    override: str | None = None
    activity: float = 60.0

    @property
    def module(self) -> str:
        """The legacy module."""
        return self.name.partition(":")[0]

    @property
    def qualname(self) -> str:
        """The name inside the module."""
        return self.name.partition(":")[2]


@dataclass(frozen=True, slots=True)
class GateConfig:
    """One gate of a group, `[group.NAME.gate.GATE]`.

    Attributes:
        name: The gate's name.
        kind: `paired`, `count`, `rate`, `overlap`, `parquet`, `histogram`, `freshness` or `absent`.
        params: Its settings, checked.
        line: Where it is declared.
    """

    name: str
    kind: str
    params: Mapping[str, Any]
    line: int = 1


@dataclass(frozen=True, slots=True)
class GroupConfig:
    """Units that flip together.

    Attributes:
        name: The group's name.
        units: Names of the units, patterns resolved; a group may be observed by artefacts only and have none.
        requires: Groups that must stand at least as high.
        effect: The highest effect of its units.
        sessions: Clean sessions that a step needs.
        approvers: Approvals that a step needs.
        calendar: What its sessions are counted by.
        activity: Share of a session that must have been active.
        served: Calls of each unit that the candidate must have served in a session in canary for it to be clean.
        served_keys: Keys that they must have had between them.
        preset: The preset it starts from.
        gates: Its gates by name.
        line: Where it is declared.
    """

    name: str
    units: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    effect: str = "pure"
    sessions: int = 5
    approvers: int = 1
    calendar: str = "24/7"
    activity: float = 0.95
    served: int = 20
    served_keys: int = 1
    preset: str | None = None
    gates: Mapping[str, GateConfig] = field(default_factory=dict)
    line: int = 1


@functools.lru_cache(maxsize=1024)
def _alone(unit: str, calendar: str) -> GroupConfig:
    """The group of a unit that none names: asked for several times a unit at each start."""
    return GroupConfig(name=unit, units=(unit,), calendar=calendar)


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration.

    Attributes:
        path: The file.
        evidence: The evidence folder, absolute.
        calendar: The calendar that sessions are counted by.
        rehearsal: Whether this is a rehearsal: all endpoints are loopback, evidence does not count.
        endpoints: The URLs that the program talks to.
        units: Units by name.
        groups: Groups by name.
        packages: Packages whose modules F follows; empty means those of the units.
        quota: Bytes that the evidence of this folder may take.
        rotate: Bytes after which a process starts its next segment.
        redact: Names of fields whose values never leave the process.
        hooks: What FAIL, quarantine, rollback and expiry call: `cmd:…`, `http://…`, `py:module:function`.
        approvers: Who may approve: `os:USER` or `ssh:PUBLIC KEY`, by name.
        kill_file: A file whose existence means legacy everywhere.
    """

    path: Path
    evidence: Path
    calendar: str = "24/7"
    rehearsal: bool = False
    endpoints: tuple[str, ...] = ()
    units: Mapping[str, UnitConfig] = field(default_factory=dict)
    groups: Mapping[str, GroupConfig] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    quota: int = 2048 * MIB
    rotate: int = 64 * MIB
    redact: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    approvers: Mapping[str, str] = field(default_factory=dict)
    kill_file: Path | None = None

    def refuse(self, unit: str, text: str, key: str | None = None) -> ConfigError:
        """Make the error that names the line of a unit or of one of its keys.

        Args:
            unit: The unit's name.
            text: What is wrong and what to do.
            key: The key it stands in.
        """
        line = line_of(self.path.read_text(encoding="utf-8"), ("unit", unit), key) if self.path.exists() else 1
        return ConfigError(f"{self.path}:{line}: unit {unit!r}: {text}")

    def group_of(self, unit: str) -> GroupConfig:
        """Return the group that a unit flips with: a group of its own if none names it.

        Args:
            unit: The unit's name.
        """
        for group in self.groups.values():
            if unit in group.units:
                return group
        return _alone(unit, self.calendar)
