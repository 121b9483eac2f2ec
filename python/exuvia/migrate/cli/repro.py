"""`exuvia repro`: a recorded difference as a pytest file that fails by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, config_of, print_json, progress, say

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia repro bot.bars:aggregate
  exuvia repro bot.bars:aggregate --id 3f2a91bc -o tests/

Exit code 0 if the file was written, 2 if there is nothing to reproduce."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    repro = commands.add_parser(
        "repro",
        parents=[shared],
        help="write a recorded difference as a pytest file",
        description="Writes a pytest file that fails by itself, its arguments as small as the difference allows, "
        "and passes once the candidate is mended. It needs neither exuvia.toml nor the evidence.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    repro.add_argument("unit", metavar="UNIT", help="the unit")
    repro.add_argument("--id", metavar="ID", help="the recorded call, as `exuvia replay` names it")
    repro.add_argument(
        "-o", "--output", metavar="DIR", default=".", help="folder of the file, made if missing (default: here)"
    )
    repro.add_argument("--json", action="store_true", help="print JSON")
    repro.set_defaults(handler=_repro)


def _repro(options: argparse.Namespace) -> int:
    from exuvia.errors import MigrateError
    from exuvia.migrate.workbench import recordings, sides
    from exuvia.migrate.workbench.replay import shown
    from exuvia.migrate.workbench.repro import MIXED, reproduce

    config = config_of(options, reads=True)
    (unit,) = sides.chosen(config, [options.unit])
    folder = Path(options.output)
    if folder.exists() and not folder.is_dir():
        raise MigrateError(f"-o {folder}: a file stands where the folder is to be: name another")
    with progress() as told:
        made = reproduce(unit, recordings.read(config, [unit.name]), options.id, folder, told)
    folder.mkdir(parents=True, exist_ok=True)
    made.path.write_text(made.text, encoding="utf-8")
    found = shown(made.small, made.found)
    if options.json:
        print_json({"file": str(made.path), "mixed": made.small.mixed, **found})
    else:
        say(f"{made.path}: {found['path']} ({found['kind']}): legacy {found['legacy']}, candidate {found['candidate']}")
        say(f"  {len(repr(made.case.steps)):,} characters of arguments became {len(repr(made.small.steps)):,}")
        if made.small.mixed:
            say(f"  {MIXED}")
        cut = sides.going_on([made.small])
        if cut:
            say(f"  {cut}")
        say(f"  python -m pytest {made.path}")
    return 0
