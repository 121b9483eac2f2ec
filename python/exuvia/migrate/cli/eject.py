"""`exuvia eject`: takes exuvia out of a project again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, config_of, print_json, say

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia eject              show what would be changed
  exuvia eject --write      change it

Exit code 0; 1 if something is left to be done by hand, and then nothing is written; 2 for errors."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    eject = commands.add_parser(
        "eject",
        parents=[shared],
        help="take exuvia out of a project again",
        description="Takes exuvia out of a project: imports of it, calls of install(), and what it wrote itself, which "
        "is exuvia.toml, evidence, shims, reports, and tests of exuvia repro that need exuvia; names that came from a "
        "shim come from legacy again. A shim is a file that exuvia scaffold wrote or one in exuvia_shims/; a candidate "
        "that you wrote stays. Without --write it only shows the difference, and each file that would go with the "
        "reason.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    eject.add_argument("--root", metavar="DIR", default=".", help="the project (default: here)")
    eject.add_argument("--write", action="store_true", help="do it")
    eject.add_argument("--json", action="store_true", help="print JSON")
    eject.set_defaults(handler=_eject)


def _eject(options: argparse.Namespace) -> int:  # noqa: PLR0912 - what is said at the end depends on what was found
    from exuvia.errors import ConfigError, MigrateError
    from exuvia.migrate import config as configuration
    from exuvia.migrate.workbench import eject

    root = Path(options.root).resolve()
    if not root.is_dir():
        raise MigrateError(f"--root {options.root}: there is no such folder")
    if options.config is None and (root / configuration.NAME).is_file():
        options.config = str(root / configuration.NAME)
    try:
        configuration.find(options.config)
    except ConfigError:
        if options.config is not None:
            raise
        config = None
        print(f"exuvia eject: no {configuration.NAME} here: only code is looked at", file=sys.stderr)
    else:
        config = config_of(options)
    found = eject.plan(root, config)
    done = options.write and not found.by_hand
    diff = found.diff()
    if done:
        eject.write(found)
    if options.json:
        print_json(
            {
                "written": done,
                "changed": [path.relative_to(root).as_posix() for path in sorted(found.changed)],
                "removed": [str(path) for path in found.removed],
                "why": {str(path): why for path, why in found.why.items()},
                "by_hand": found.by_hand,
                "notes": found.notes,
                "diff": diff,
            }
        )
        return 1 if found.by_hand else 0
    sys.stdout.write(diff)
    for path in found.removed:
        say(f"{'removed' if done else 'remove'} {path}: {found.why[path]}")
    for text in found.notes:
        say(text)
    for text in found.by_hand:
        say(f"by hand: {text}")
    if found.by_hand:
        say("nothing was written: first do what is left by hand, then run this again")
    elif not found.changed and not found.removed:
        say("nothing of exuvia was found")
    elif done:
        left = ", but for what stays" if found.notes else ""
        say(f"exuvia is out{left}: run the tests where it is not installed")
    else:
        say("nothing was written: --write does it")
    return 1 if found.by_hand else 0
