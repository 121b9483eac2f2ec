"""`exuvia parity lake A B`: two archives of Parquet files side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia.errors import LakeOptionError
from exuvia.migrate.cli.shared import Shown, print_json, say

if TYPE_CHECKING:
    import argparse

    from exuvia.lake.parity import Parity

__all__ = ["add"]

CODES = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3}

EXAMPLE = """example:
  exuvia parity lake legacy/ mine/ --key symbol,ts --column bid=abs:0.01 --regime regime

Exit code 0 if they agree as declared, 1 if not, 3 if no row is on both sides, 2 for errors."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    top = commands.add_parser(
        "parity",
        help="two archives side by side: files, rows, keys, schema, columns, regimes",
        description="Compares what two systems wrote of the same days.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    kinds = top.add_subparsers(dest="kind", metavar="lake", required=True)
    lake = kinds.add_parser(
        "lake",
        help="two folders of Parquet files",
        description="Compares two folders of Parquet files, row by row, matched by key.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    lake.add_argument("left", metavar="A", help="a folder, such as legacy's archive")
    lake.add_argument("right", metavar="B", help="the other")
    lake.add_argument("--key", metavar="COLUMNS", required=True, help="the columns that name a row: symbol,ts")
    lake.add_argument(
        "--column",
        metavar="NAME=RULE",
        action="append",
        default=[],
        help="bid=abs:0.01, iv=rel:1e-9, note=ignore; else exact",
    )
    lake.add_argument("--regime", metavar="COLUMN", help="count its values on both sides, and the rows that moved")
    lake.add_argument("--files", metavar="N", type=int, default=0, help="files that the sides may differ by")
    lake.add_argument("--rows", metavar="N", type=int, default=0, help="rows that they may differ by")
    lake.add_argument("--moved", metavar="N", type=int, default=0, help="rows that may be in another regime")
    lake.add_argument("--json", action="store_true", help="print JSON")
    lake.set_defaults(handler=_lake)
    _ = shared  # two folders need no configuration


def _lake(options: argparse.Namespace) -> int:
    from exuvia.lake.parity import parity

    rules = {}
    for said in options.column:
        name, equals, rule = said.partition("=")
        if not (name and equals and rule):
            raise LakeOptionError(f"--column {said!r} is no rule: write NAME=RULE, such as bid=abs:0.01")
        rules[name] = rule
    found = parity(
        options.left,
        options.right,
        key=[name.strip() for name in options.key.split(",") if name.strip()],
        columns=rules,
        regime=options.regime,
        files=options.files,
        rows=options.rows,
        moved=options.moved,
    )
    if options.json:
        print_json(found.as_dict())
    else:
        _say(found)
    return CODES[found.verdict]


def _say(found: Parity) -> None:
    say(f"{found.verdict}  {found.matched:,} rows on both sides")
    for reason in found.reasons:
        say(f"  {reason}")
    say(f"files {found.files[0]:,} and {found.files[1]:,}, rows {found.rows[0]:,} and {found.rows[1]:,}")
    for name, column in found.columns.items():
        say(f"  {name:20} {column.rule:12} {column.differ:10,} of {column.rows:,} differ")
    for name, (left, right) in found.regimes.items():
        say(f"  regime {name:20} {left:10,} {right:10,}")
