"""`exuvia aa`: legacy against legacy, to tell noise from difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, config_of, print_json, progress, say

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]

EXAMPLE = """example:
  exuvia aa bot.scan:decide

Exit code 0 if legacy equals itself, 1 if it does not, 3 if fewer than 20 calls were recorded, 2 for errors."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    again = commands.add_parser(
        "aa",
        parents=[shared],
        help="legacy against legacy: what is noise",
        description="Plays recorded calls through legacy three times, once in another process with another hash "
        "seed, and proposes rules for what differs. It installs none of them.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    again.add_argument("units", nargs="*", metavar="UNIT", help="units; all of them if none is named")
    again.add_argument("--json", action="store_true", help="print JSON")
    again.set_defaults(handler=_again)


def _again(options: argparse.Namespace) -> int:
    from exuvia.migrate.gates.verdict import EXIT, together
    from exuvia.migrate.workbench import recordings, selfnoise, sides

    config = config_of(options, reads=True)
    units = sides.chosen(config, options.units)
    recorded = recordings.read(config, [unit.name for unit in units])
    with progress() as told:
        found = [selfnoise.against_itself(unit, recorded, told) for unit in units]
    overall = together(one.verdict for one in found)
    if options.json:
        print_json({"overall": overall, "units": [one.as_dict() for one in found]})
        return EXIT[overall]
    for one in found:
        say(f"{one.unit}: {one.verdict}: {one.reason}")
        for (place, kind), count in one.places.most_common():
            say(f"  {count:,} × {place} ({kind}): {' / '.join(one.examples[place, kind])}")
        if one.proposals:
            rules = ", ".join(f'"{place}" = "{rule}"' for place, rule in one.proposals.items())
            say(f'  proposed, not installed:  [unit."{one.unit}"]  compare = {{ {rules} }}')
        if one.unread:
            say(f"  {one.unread:,} cases are not known to be equal: changed arguments could not be read")
        for line in [*one.problems[one.reason in one.problems : 5], *one.notes]:
            say(f"  {line}")
    return EXIT[overall]
