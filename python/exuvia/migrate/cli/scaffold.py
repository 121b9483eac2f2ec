"""`exuvia scaffold`: the thin shim of a legacy module."""

from __future__ import annotations

import argparse
from pathlib import Path

from exuvia.migrate.cli.shared import print_json, say

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia scaffold bot.bars:aggregate
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
        "until its bodies are replaced: it passes a strict type checker and legacy's own tests.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    scaffold.add_argument("units", nargs="+", metavar="UNIT", help="units of one module, or the module")
    scaffold.add_argument("-o", "--output", metavar="FILE", help="default: exuvia_shims/PACKAGE_MODULE.py")
    scaffold.add_argument("--force", action="store_true", help="overwrite a file that is there")
    scaffold.add_argument("--json", action="store_true", help="print JSON")
    scaffold.set_defaults(handler=_scaffold)


def _scaffold(options: argparse.Namespace) -> int:
    from exuvia.errors import MigrateError
    from exuvia.migrate.workbench import scaffold
    from exuvia.migrate.workbench.starting import SHIMS, shim_module

    made = scaffold.scaffold(options.units)
    target = Path(options.output or f"{shim_module(options.units[0]).replace('.', '/')}.py")
    if target.exists() and not options.force:
        raise MigrateError(f"{target} is there already, perhaps with your work in it: pass --force to overwrite it")
    target.parent.mkdir(parents=True, exist_ok=True)
    package = target.parent / "__init__.py"
    if target.parent.name == SHIMS and not package.exists():
        package.write_text('"""Shims: what stands for a legacy module while it moves to Rust."""\n', encoding="utf-8")
    target.write_text(made.text, encoding="utf-8")
    if options.json:
        print_json({"file": str(target), "module": made.module, "names": made.names, "notes": made.notes})
    else:
        say(f"{target}: {', '.join(made.names)}")
        for note in made.notes:
            say(f"  {note}")
    return 0
