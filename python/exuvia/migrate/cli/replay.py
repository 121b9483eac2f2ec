"""`exuvia replay`: the recorded calls through both sides as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, config_of, print_json, progress, say

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]

EXAMPLE = """example:
  exuvia replay bot.bars:aggregate

Exit code 0 PASS, 1 FAIL, 3 INCONCLUSIVE (fewer than 20 calls were recorded), 2 for errors."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    replay = commands.add_parser(
        "replay",
        parents=[shared],
        help="recorded calls through both sides as they are now",
        description="Plays every recorded call through legacy and through the candidate, on copies, and compares.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    replay.add_argument("units", nargs="*", metavar="UNIT", help="units; all of them if none is named")
    replay.add_argument("--json", action="store_true", help="print JSON")
    replay.set_defaults(handler=_replay)


def _replay(options: argparse.Namespace) -> int:
    from exuvia.migrate.gates.verdict import EXIT, together
    from exuvia.migrate.workbench import recordings, sides
    from exuvia.migrate.workbench.replay import replay

    config = config_of(options, reads=True)
    units = sides.chosen(config, options.units)
    recorded = recordings.read(config, [unit.name for unit in units])
    with progress() as told:
        found = [replay(unit, recorded, told) for unit in units]
    overall = together(one.verdict for one in found)
    if options.json:
        print_json({"overall": overall, "units": [one.as_dict() for one in found]})
        return EXIT[overall]
    for one in found:
        say(f"{one.unit}: {one.verdict}: {one.reason}")
        if one.drifted:
            say(f"  legacy itself answers {one.drifted:,} calls otherwise than when they were recorded")
        for example in one.examples:
            where = f"{example['id']}  {example['path']} ({example['kind']})"
            say(f"  {where}: legacy {example['legacy']}, candidate {example['candidate']}")
        if one.unread:
            say(f"  {one.unread:,} cases are not known to be equal: changed arguments could not be read")
        for line in [*one.problems[:5], *one.notes]:
            say(f"  {line}")
    return EXIT[overall]
