"""A desk for the tests of modes: a bot, its candidates, a configuration that is no rehearsal, and a judge."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.migrate import config as configuration
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.modes.judging import Judged
from exuvia.migrate.modes.surface import Sides

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import Config, GroupConfig

BOT = """
def price(account, n=1):
    return 1.0 + n / 4
def size(account, n=1):
    return n * 2
"""
UNIT = """
[unit."bot:{name}"]
candidate = "shim:{name}"
effect = "pure"
mode = "{mode}"
key = "$args.account"
override = "a test of modes"
"""
F = {"bot:price": "f1", "bot:size": "f2"}


@dataclass
class Gate:
    """A judge that says what the test wants; it counts how often it was asked."""

    verdict: str = "PASS"
    f: dict[str, str] = field(default_factory=lambda: dict(F))
    compared: int = 1000
    differed: int = 0
    heads: list[str] | None = None
    asked: int = 0

    def __call__(self, config: Config, group: GroupConfig, journal: modes.Journal, to: str) -> Judged:
        del config, journal, to
        self.asked += 1
        f = {unit: self.f[unit] for unit in group.units}
        return Judged(self.verdict, [f"the gate says {self.verdict}"], f, self.compared, self.differed, self.heads)


def same_surface(config: Config, unit: Any) -> Sides:
    return Sides("PASS", "same", "PASS", "bit for bit")


def desk(
    folder: Path,
    general: str = "",
    groups: str = "",
    *,
    mode: str = "rust",
    rehearsal: bool = False,
    units: tuple[str, ...] = ("price", "size"),
    climbed: bool = True,
) -> Config:
    """Write a bot and its configuration, and load it; outside of a rehearsal its units were promoted to shadow."""
    for name in ("bot.py", "shim.py"):
        (folder / name).write_text(BOT)
    said = f"[exuvia]\nrehearsal = {str(rehearsal).lower()}\n" + (
        'endpoints = ["http://127.0.0.1:1"]\n' if rehearsal else ""
    )
    tables = "".join(UNIT.format(name=name, mode=mode) for name in units)
    path = folder / "exuvia.toml"
    path.write_text(f"{said}{general}\n{tables}\n{groups}", encoding="utf-8")
    path.chmod(0o600)
    config = configuration.load(path)
    for unit in config.units if climbed and not rehearsal else ():
        modes.append(config.evidence, unit, "shadow", "for the test")
    return config


def lines(config: Config) -> list[dict[str, Any]]:
    """What stands in the journal."""
    text = (config.evidence / modes.JOURNAL).read_text()
    return [json.loads(line) for line in text.splitlines() if line]


def stands(config: Config, unit: str, now_ns: int | None = None) -> str:
    """Where a unit stands."""
    return modes.read(config.evidence).effective(unit, config.units[unit].mode, config, now_ns)
