"""`exuvia scaffold`: the thin shim of a legacy module."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, print_json, say

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia scaffold bot.bars:aggregate
  exuvia scaffold bot.bars:mean                 adds to the shim of bot.bars that is there
  exuvia scaffold bot.bars -o shims/bars.py"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:  # noqa: ARG001 - every command is declared alike
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    scaffold = commands.add_parser(
        "scaffold",
        help="write the thin shim of a legacy module",
        description="Writes a module with legacy's names, signatures, annotations and docstrings, which calls legacy "
        "until its bodies are replaced: it passes a strict type checker and legacy's own tests. More units of the "
        "module go into the same file: what is there stays byte for byte, and a name that it has is left alone.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    scaffold.add_argument("units", nargs="+", metavar="UNIT", help="units of one module, or the module")
    scaffold.add_argument("-o", "--output", metavar="FILE", help="default: exuvia_shims/PACKAGE_MODULE.py")
    scaffold.add_argument("--force", action="store_true", help="write the file anew: what is in it is gone")
    scaffold.add_argument("--json", action="store_true", help="print JSON")
    scaffold.set_defaults(handler=_scaffold)


def _scaffold(options: argparse.Namespace) -> int:
    from exuvia.migrate.workbench import scaffold
    from exuvia.migrate.workbench.putting import put
    from exuvia.migrate.workbench.starting import SHIMS, shim_module

    target = Path(options.output or f"{shim_module(options.units[0]).replace('.', '/')}.py")
    adds = target.exists() and not options.force
    made = scaffold.scaffold(options.units, into=target if adds else None)
    target.parent.mkdir(parents=True, exist_ok=True)
    package = target.parent / "__init__.py"
    if target.parent.name == SHIMS and not package.exists():
        put(package, '"""Shims: what stands for a legacy module while it moves to Rust."""\n')
    put(target, made.text)
    if options.json:
        print_json(
            {
                "file": str(target),
                "module": made.module,
                "names": made.names,
                "notes": made.notes,
                "added": adds,
                "there": made.there,
            }
        )
        return 0
    if adds:
        say(f"{target}: added {', '.join(made.names)}; what was there is as it was")
        for name, line in made.there.items():
            say(f"  {name} is there already, at line {line}: it was left alone")
    else:
        say(f"{target}: {', '.join(made.names)}")
    for note in made.notes:
        say(f"  {note}")
    return 0
