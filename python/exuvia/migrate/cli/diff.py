"""`exuvia diff`: recorded differences, both values with path and arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, at_least_one, config_of, print_json, say

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia diff                         of all units
  exuvia diff bot.bars:aggregate
  exuvia diff bot.bars:aggregate --path '$[*].close' --most 3

Exit code by the units' verdicts: 0 PASS, 1 FAIL, 3 INCONCLUSIVE, 2 for errors."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    diff = commands.add_parser(
        "diff",
        parents=[shared],
        help="recorded differences, both values with path and arguments",
        description="Shows what differed in shadow, as the evidence has it.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    diff.add_argument("units", nargs="*", metavar="UNIT", help="units; all of them if none is named")
    diff.add_argument("--path", metavar="PATH", help="only differences at this path or place")
    diff.add_argument(
        "--most", metavar="N", type=at_least_one, default=10, help="how many of each unit are shown (default: 10)"
    )
    diff.add_argument("--json", action="store_true", help="print JSON")
    diff.set_defaults(handler=_diff)


def _diff(options: argparse.Namespace) -> int:
    from exuvia.migrate.gates.verdict import EXIT, together
    from exuvia.migrate.workbench import differing, sides

    config = config_of(options, reads=True)
    units = [unit.name for unit in sides.chosen(config, options.units)]
    found = differing.differences(config, units, options.path)
    overall = together(one.verdict for one in found)
    if options.json:
        print_json({"overall": overall, "units": [one.as_dict() for one in found]})
        return EXIT[overall]
    for number, one in enumerate(found):
        if number:
            say("")
        for line in differing.lines(one, options.most):
            say(line)
    if not found:
        say(f"no units declared in {config.path}")
    return EXIT[overall]
