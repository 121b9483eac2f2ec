"""`exuvia init`: the first `exuvia.toml`."""

from __future__ import annotations

import argparse
from pathlib import Path

from exuvia.migrate.cli.shared import print_json, say

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia init
  exuvia init --profile spy.raw"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:  # noqa: ARG001 - every command is declared alike
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    init = commands.add_parser(
        "init",
        help="find hot functions and write the first exuvia.toml",
        description="Finds the functions that compute, by a profile or by a look at the source, and writes a "
        "configuration in which all of them stand in legacy: nothing changes until a mode is raised.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    init.add_argument("--profile", metavar="FILE", help="a profile of py-spy (raw, speedscope) or cProfile")
    init.add_argument("--root", metavar="DIR", default=".", help="the project (default: here)")
    init.add_argument("--top", metavar="N", type=int, default=8, help="how many units (default: 8)")
    init.add_argument("--force", action="store_true", help="overwrite an exuvia.toml that is there")
    init.add_argument("--json", action="store_true", help="print JSON")
    init.set_defaults(handler=_init)


def _init(options: argparse.Namespace) -> int:
    from exuvia.errors import MigrateError  # noqa: PLC0415
    from exuvia.migrate import config  # noqa: PLC0415 - so that --help answers at once
    from exuvia.migrate.workbench import starting  # noqa: PLC0415

    root = Path(options.root).resolve()
    if not root.is_dir():
        raise MigrateError(f"--root {options.root}: there is no such folder")
    target = root / config.NAME
    if target.exists() and not options.force:
        raise MigrateError(f"{target} is there already: pass --force to overwrite it")
    start = starting.begin(root, Path(options.profile) if options.profile else None, options.top)
    target.write_text(start.text, encoding="utf-8")
    target.chmod(0o644)
    config.load(target)
    if options.json:
        print_json({"file": str(target), "by": start.by, "units": [unit._asdict() for unit in start.units]})
        return 0
    say(f"{target}: {len(start.units)} units, all in legacy, by {start.by}")
    for unit in start.units:
        say(f"  {unit.unit}: {unit.why}")
    if start.units:
        say(f"next: exuvia worth --unit {start.units[0].unit} -m PROGRAM, then exuvia scaffold {start.units[0].unit}")
    else:
        say("next: exuvia worth -m PROGRAM shows where its time goes; then name units in the file")
    return 0
