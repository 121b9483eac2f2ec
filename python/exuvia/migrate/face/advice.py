"""What to do next: one sentence and one command for each group, from the same verdicts that `promote` asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.gates.judge import GroupVerdict
    from exuvia.migrate.gates.verdict import UnitStatus
    from exuvia.migrate.modes.journal import Journal

__all__ = ["Advice", "advise"]

UP = {"legacy": "shadow", "shadow": "canary", "canary": "rust", "rust": "retired"}


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about one group.

    Attributes:
        group: Its name.
        text: A sentence.
        command: What to type, or nothing.
    """

    group: str
    text: str
    command: str = ""


def advise(  # noqa: PLR0911 - a sentence for each case
    config: Config,
    group: GroupConfig,
    states: list[UnitStatus],
    journal: Journal,
    verdict: GroupVerdict | None,
) -> Advice:
    """Say what a person should do about a group.

    Args:
        config: The configuration.
        group: The group.
        states: The status of its units.
        journal: The mode journal.
        verdict: The gate's verdict; `None` in a rehearsal, whose evidence does not count.
    """
    name = group.name
    failing = [state for state in states if state.verdict == "FAIL"]
    if journal.broken is not None:
        return Advice(name, "The mode journal cannot be trusted: everything runs in legacy until it is mended.")
    if failing:
        unit = failing[0].unit
        return Advice(name, "Something differs: look at it, mend the candidate or declare it.", f"exuvia diff {unit}")
    mode = min((state.effective or state.mode for state in states), default="legacy", key=tuple(UP).index)
    step = UP.get(mode)
    if mode == "legacy":
        low = next((state for state in states if state.file == "legacy"), None)
        if low is not None:
            return Advice(name, f'Legacy, which is all that the file allows: set mode = "shadow" for {low.unit}.')
        allowed = min((state.file or state.mode for state in states), default="shadow", key=tuple(UP).index)
        text = f"Legacy; the file allows {allowed}: nothing is compared until it is promoted."
        return Advice(name, text, f"exuvia promote {name} --to shadow")
    if config.rehearsal:
        silent = [state for state in states if not state.counts["compared"] and state.mode == "shadow"]
        if silent:
            return Advice(name, "Run the program: nothing was compared yet.", "exuvia run -m …")
        if mode == "shadow":
            return Advice(name, "It may flip, in this rehearsal.", f"exuvia promote {name} --to rust")
        return Advice(name, "It runs on Rust. Compare the whole run, then rehearse the way back.", "exuvia rollback")
    if verdict is None or step is None:
        return Advice(name, "Nothing to do.")
    if verdict.verdict == "PASS":
        if mode == "rust":
            return Advice(name, "It runs on Rust. Keep the old image until the tombstone window is over.")
        asked = f"exuvia approve {name} --to {step}"
        return Advice(name, f"The gate passes: have it approved, then take it to {step}.", asked)
    if verdict.verdict == "FAIL":
        return Advice(name, f"Not ready: {verdict.reasons[0]}.", f"exuvia gate {name}")
    clean = verdict.bounds.get("days", {}).get("clean", 0)
    if clean < verdict.needed:
        return Advice(name, f"Let it run: {clean} of {verdict.needed} clean sessions.", f"exuvia gate {name}")
    return Advice(name, f"Not enough is known: {verdict.reasons[0]}.", f"exuvia gate {name}")
