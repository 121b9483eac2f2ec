"""What the gate says of a group, and which evidence it said that of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from exuvia.migrate.evidence import reading
from exuvia.migrate.gates.judge import group_verdict
from exuvia.migrate.gates.verdict import overall

if TYPE_CHECKING:
    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.modes.said import Journal

__all__ = ["Judge", "Judged", "digest", "judge"]


@dataclass(slots=True)
class Judged:
    """A verdict on a group as its code is now.

    Attributes:
        verdict: `PASS`, `FAIL` or `INCONCLUSIVE`.
        reasons: Why.
        f: F of each unit.
        compared: Calls compared so far.
        differed: Calls that differed so far.
        heads: Every head that the chain of the evidence had, oldest first; `None` if nobody looked.
        do: What to change where calls were not compared.
        stands: Where each unit of the configuration stands, as its code is now and with what is on record of it.
    """

    verdict: str
    reasons: list[str] = field(default_factory=list)
    f: dict[str, str] = field(default_factory=dict)
    compared: int = 0
    differed: int = 0
    heads: list[str] | None = None
    do: list[str] = field(default_factory=list)
    stands: dict[str, str] = field(default_factory=dict)


class Judge(Protocol):
    """What gives the verdict on a group for a step."""

    def __call__(self, config: Config, group: GroupConfig, journal: Journal, to: str) -> Judged:
        """Judge a group for the step to a mode."""
        ...


def judge(config: Config, group: GroupConfig, journal: Journal, to: str) -> Judged:
    """Judge a group for a step: by its gate, and in a rehearsal by what was compared, without waiting.

    Args:
        config: The configuration.
        group: The group.
        journal: The mode journal.
        to: The mode that the step leads to.
    """
    segments = reading.read_folder(config.evidence)
    every = reading.statuses(config, segments)
    states = [state for state in every if state.unit in group.units]
    found = Judged(overall(states), f={state.unit: state.fingerprint for state in states})
    found.stands = {state.unit: state.effective for state in every if state.effective is not None}
    found.compared = sum(state.counts["compared"] for state in states)
    found.differed = sum(state.counts["differed"] for state in states)
    found.reasons = [f"{state.unit}: {state.reason}" if len(states) > 1 else state.reason for state in states]
    found.heads = reading.heads(config.evidence, segments)
    found.do = list(dict.fromkeys(way for state in states for way in state.nexts()))
    if config.rehearsal:
        return found
    verdict = group_verdict(config, group, segments, journal, to=to)
    worst = next((state for state in states if state.verdict == "FAIL"), None)
    if worst is not None and verdict.verdict != "FAIL":
        # Nothing is promoted on a verdict that is greener than what status says of the same evidence.
        verdict.fails(f"{worst.unit}: {worst.reason}")
    found.verdict, found.reasons = verdict.verdict, verdict.reasons
    if not group.units:
        found.f = {group.name: verdict.f or ""}
    return found


def digest(config: Config) -> str:
    """Return the digest of the evidence, which approvals name.

    Args:
        config: The configuration.
    """
    return reading.head(config.evidence)
