"""`exuvia status`: what was compared and the verdict of each unit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import config_of, say

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]


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
        description="Reads the evidence of all processes. Exit code 0 PASS, 1 FAIL, 3 INCONCLUSIVE, 2 error.",
    )
    status.add_argument("units", nargs="*", metavar="UNIT", help="only these units")
    status.add_argument("--json", action="store_true", help="print JSON")
    status.set_defaults(handler=_status)


def _status(options: argparse.Namespace) -> int:
    from exuvia.migrate import extension, starting
    from exuvia.migrate.gates.verdict import EXIT, overall
    from exuvia.migrate.modes import names

    cause = extension.trouble()
    config = config_of(options, rules=cause is None, reads=True)
    if cause is None:
        from exuvia.migrate.dispatch import whereabouts
        from exuvia.migrate.evidence import reading

        states = reading.statuses(config, reading.read_folder(config.evidence))
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
    verdict = overall(states)
    if options.json:
        print(
            json.dumps(
                {"overall": verdict, "rehearsal": config.rehearsal, "units": [s.as_dict() for s in states]},
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

        table.render(states, rehearsal=config.rehearsal, unchecked=not config.endpoints)
        if not config.units:
            print(f"no units declared in {config.path}: name one there, or let exuvia init --force propose some")
    return EXIT[verdict]
