"""`exuvia status`: what was compared and the verdict of each unit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, config_of, say

if TYPE_CHECKING:
    import argparse

    from exuvia.migrate.config import Config
    from exuvia.migrate.evidence.reading import SegmentText
    from exuvia.migrate.gates.judge import GroupVerdict

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia status
  exuvia status bot.bars:mean --json

Exit code 0 PASS, 1 FAIL, 3 INCONCLUSIVE, 2 for errors."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    status = commands.add_parser(
        "status",
        parents=[shared],
        help="what was compared and the verdict of each unit",
        description="Shows what was compared and what differs, with the verdict of each unit, from the evidence of all "
        "processes. A group whose gates fail, or that is compared by its artefacts alone, has a line of its own: "
        "exuvia gate tells more.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    status.add_argument("units", nargs="*", metavar="UNIT", help="only these units")
    status.add_argument("--json", action="store_true", help="print JSON")
    status.set_defaults(handler=_status)


def _status(options: argparse.Namespace) -> int:  # noqa: PLR0912 - what is read, and three ways to say it
    from exuvia.migrate import extension, starting
    from exuvia.migrate.gates.verdict import EXIT, overall, together
    from exuvia.migrate.modes import names

    groups: list[GroupVerdict] = []
    cause = extension.trouble()
    config = config_of(options, rules=cause is None, reads=True)
    if cause is None:
        from exuvia.migrate.dispatch import whereabouts
        from exuvia.migrate.evidence import reading

        segments = reading.read_folder(config.evidence)
        states = reading.statuses(config, segments)
        if not options.units:
            groups = _groups(config, segments)
        for state in states:
            if not state.segments:
                state.notes += whereabouts.missing(config, config.units[state.unit])
    else:
        states = starting.bare_status(config, cause)
    if options.units:
        unknown = [unit for unit in options.units if unit not in config.units]
        if unknown:
            raise names.unknown(unknown[0], config)
        states = [state for state in states if state.unit in options.units]
    # Units and groups of artefacts are what is migrated; the gates of a group of units may only fail it.
    words = [found.verdict for found in groups if found.verdict == "FAIL" or not config.groups[found.group].units]
    verdict = together([*([overall(states)] if states or not words else []), *words])
    if options.json:
        print(
            json.dumps(
                {
                    "overall": verdict,
                    "rehearsal": config.rehearsal,
                    "units": [s.as_dict() for s in states],
                    "groups": [
                        {"group": found.group, "verdict": found.verdict, "reasons": found.reasons} for found in groups
                    ],
                },
                indent=2,
            )
        )
    elif cause is not None:
        say(f"the evidence cannot be read: {cause}")
        for state in states:
            say(f"{state.unit}  {state.mode}  {state.verdict}")
            for note in state.notes:
                say(f"  {note}")
        say(f"overall: {verdict}")
    else:
        from exuvia.migrate.face import table

        table.render(states, groups, verdict, rehearsal=config.rehearsal, unchecked=not config.endpoints)
        if not config.units and not groups:
            print(f"no units declared in {config.path}: name one there, or let exuvia init --force propose some")
    return EXIT[verdict]


def _groups(config: Config, segments: list[SegmentText]) -> list[GroupVerdict]:
    """The verdict on each group that has gates or artefacts of its own; a rehearsal's do not count."""
    from exuvia.migrate.gates.judge import group_verdict
    from exuvia.migrate.modes import journal

    declared = [group for group in config.groups.values() if group.gates or not group.units]
    if config.rehearsal or not declared:
        return []
    said = journal.read(config.evidence)
    return [group_verdict(config, group, segments, said) for group in declared]
