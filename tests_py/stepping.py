"""What the tests of steps share: promote one, approve it, put a drill on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from desk import Gate, same_surface
from exuvia.migrate.modes import approvals, steps
from exuvia.migrate.modes import journal as modes

if TYPE_CHECKING:
    from exuvia.migrate.config import Config

SIZE, PRICE = "bot:size", "bot:price"
NS = 10**9


def go(config: Config, name: str, to: str, gate: Gate | None = None, **more: Any) -> steps.Outcome:
    (outcome,) = steps.promote(config, [name], to, "test", judge=gate or Gate(), surface=same_surface, **more)
    return outcome


def approve(config: Config, name: str, to: str, gate: Gate | None = None) -> None:
    group = config.groups.get(name) or config.group_of(name)
    judged = (gate or Gate())(config, group, modes.read(config.evidence), to)
    text = approvals.statement(
        config,
        group,
        modes.read(config.evidence),
        to,
        person=modes.user(),
        lasts_ns=approvals.DAY_NS,
        judged=judged,
    )
    approvals.record(config, text, None, judged)


def drilled(config: Config, name: str, f: dict[str, str]) -> None:
    with modes.open_journal(config.evidence) as pen:
        pen.append({"kind": "drill", "unit": name, "from": "canary", "f": f, "outcome": "PASS", "longest_s": 0.4})
