"""What to do next: one sentence and one command for each group, from the same verdicts that `promote` asks."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.errors import ConfigError
from exuvia.migrate.modes import standing

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
        command: What to type where the report was written, its `--config` with it; or nothing.
        urgent: Whether something differs, which comes before all else.
    """

    group: str
    text: str
    command: str = ""
    urgent: bool = False


def advise(
    config: Config,
    group: GroupConfig,
    states: list[UnitStatus],
    journal: Journal,
    verdict: GroupVerdict | None,
) -> Advice:
    """Say what a person should do about a group, and what to type for it as it stands.

    Args:
        config: The configuration.
        group: The group.
        states: The status of its units.
        journal: The mode journal.
        verdict: The gate's verdict; `None` in a rehearsal, whose evidence does not count.
    """
    said = _advise(config, group, states, journal, verdict)
    given = _given(config)
    return replace(said, command=re.sub(r"^(exuvia [a-z-]+)", lambda found: found[1] + given, said.command))


def _given(config: Config) -> str:
    """The option that names the configuration, where it is not the one that a command finds by itself."""
    from exuvia.migrate.config import find  # noqa: PLC0415 - it would load the configuration with the face

    path, here = config.path.absolute(), Path.cwd()
    try:
        if find().absolute() == path:
            return ""
    except ConfigError:
        pass
    return f" --config {shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))}"


def _raising(config: Config, states: list[UnitStatus], step: str) -> str:
    """What to change in the file first, where its ceiling is below the step."""
    low = [state.unit for state in states if tuple(UP).index(state.file or state.mode) < tuple(UP).index(step)]
    if not low:
        return ""
    which = "" if len(states) == 1 else f", for {', '.join(low[:3])}{' …' if len(low) > 3 else ''}"
    return f'raise mode to "{step}" in {config.path.name} first{which}'


def _advise(  # noqa: PLR0911, PLR0912 - a sentence for each case
    config: Config,
    group: GroupConfig,
    states: list[UnitStatus],
    journal: Journal,
    verdict: GroupVerdict | None,
) -> Advice:
    name = group.name
    failing = [state for state in states if state.verdict == "FAIL"]
    if journal.broken is not None:
        return Advice(name, "The mode journal cannot be trusted: everything runs in legacy until it is mended.")
    if failing:
        unit = failing[0].unit
        return Advice(
            name, "Something differs: look at it, mend the candidate or declare it.", f"exuvia diff {unit}", urgent=True
        )
    if verdict is not None and verdict.verdict == "FAIL":
        return Advice(name, f"Not ready: {verdict.reasons[0]}.", f"exuvia gate {name}", urgent=True)
    # A group of artefacts has no units: what it stands in is what the journal says of it.
    alone = "" if states else standing.of_group(config, journal, group).mode
    mode = alone or min((state.effective or state.mode for state in states), key=tuple(UP).index)
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
            first = _raising(config, states, "rust")
            text = f"It may flip, in this rehearsal{f': {first}' if first else ''}."
            return Advice(name, text, f"exuvia promote {name} --to rust")
        return Advice(
            name, "Its candidate serves. Compare the whole run, then rehearse the way back.", f"exuvia rollback {name}"
        )
    if verdict is None or step is None:
        return Advice(name, "Nothing to do.")
    if verdict.verdict != "FAIL" and verdict.ahead:
        text = f"More sessions do not help: {verdict.ahead[0]}. Make the candidate faster, which begins a new count."
        return Advice(name, text, f"exuvia gate {name} --to {step}")
    if verdict.verdict == "PASS":
        if mode == "rust":
            return Advice(name, "Its candidate serves. Keep the old image until the tombstone window is over.")
        asked = f"exuvia approve {name} --to {step}"
        first = _raising(config, states, step)
        return Advice(
            name, f"The gate passes: have it approved, {f'{first}, ' if first else ''}then take it to {step}.", asked
        )
    clean = verdict.bounds.get("days", {}).get("clean", 0)
    if clean < verdict.needed:
        return Advice(name, f"Let it run: {clean} of {verdict.needed} clean sessions.", f"exuvia gate {name}")
    return Advice(name, f"Not enough is known: {verdict.reasons[0]}.", f"exuvia gate {name}")
