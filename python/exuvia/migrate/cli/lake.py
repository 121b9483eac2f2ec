"""`exuvia lake ls | verify | compact | seal`: what a dataset holds, whether it is whole, and fewer files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia.migrate.cli.shared import Shown, print_json, say

if TYPE_CHECKING:
    import argparse

    from arro3.core import Schema

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia lake ls lake/quotes
  exuvia lake verify lake/quotes
  exuvia lake compact lake/quotes --day 2026-02-03
  exuvia lake seal lake/quotes --before 2026-02-03"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    top = commands.add_parser(
        "lake",
        help="what a dataset holds, whether it is whole, and fewer files",
        description="Looks after a dataset of exuvia.lake. verify ends with 1 if something is wrong.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    deeds = top.add_subparsers(dest="deed", metavar="ls | verify | compact | seal", required=True)
    for name, handler, told, described in (
        (
            "ls",
            _ls,
            "days, rows, bytes, open rows, versions of the schema",
            "Lists days, rows, bytes, open rows and versions of the schema.",
        ),
        (
            "verify",
            _verify,
            "read every byte: checksums, pages, order, days, open rows",
            "Reads every byte and looks whether it is right: checksums, pages, order, days, open rows.",
        ),
        (
            "compact",
            _compact,
            "merge the files of a day, write those of an older schema anew",
            "Merges the files of a day, and writes those of an older schema anew.",
        ),
        ("seal", _seal, "make Parquet files of open rows", "Makes Parquet files of open rows."),
    ):
        deed = deeds.add_parser(
            name,
            help=told,
            description=described,
            epilog=f"example:\n  exuvia lake {name} lake/quotes",
            formatter_class=Shown,
        )
        deed.add_argument("root", metavar="DATASET", help="its folder")
        if name in {"compact", "seal"}:
            deed.add_argument("--day", metavar="D", help="only this day, YYYY-MM-DD, UTC")
        if name == "seal":
            deed.add_argument("--before", metavar="D", help="only days before this one")
        if name == "ls":
            deed.add_argument("--files", action="store_true", help="each file too")
        deed.add_argument("--json", action="store_true", help="print JSON")
        deed.set_defaults(handler=handler)
    _ = shared  # a dataset needs no configuration


def _ls(options: argparse.Namespace) -> int:
    from exuvia import lake

    dataset = lake.open(options.root)
    found = dataset.contents()
    if options.json:
        print_json(
            {
                "name": dataset.name,
                "root": dataset.root,
                "mark": found.mark,
                "days": [
                    {"day": day.day, "open_rows": day.open_rows, "files": [file._asdict() for file in day.files]}
                    for day in found.days
                ],
                "versions": [
                    {"number": of.number, "columns": _columns(of.schema), "changes": of.changes}
                    for of in found.versions
                ],
            }
        )
        return 0
    say(f"{'day':10} {'files':>6} {'rows':>14} {'bytes':>14} {'open rows':>12}")
    for day in found.days:
        rows, size = (sum(getattr(file, name) for file in day.files) for name in ("rows", "bytes"))
        say(f"{day.day:10} {len(day.files):6,} {rows:14,} {size:14,} {day.open_rows:12,}")
        for file in day.files if options.files else ():
            say(f"  {file.path}: {file.rows:,} rows, {file.bytes:,} bytes, version {file.version}")
    if not found.days:
        say("no rows yet")
    for version in found.versions[1:]:
        say(f"version {version.number}: {'; '.join(version.changes)}")
    if found.mark is not None:
        say(f"mark {found.mark}")
    return 0


def _columns(schema: Schema) -> list[str]:
    return [str(schema.field(name)) for name in schema.names]


def _verify(options: argparse.Namespace) -> int:
    from exuvia import lake

    found = lake.open(options.root).verify()
    if options.json:
        told: dict[str, Any] = found._asdict()
        for kind in ("problems", "notes"):
            told[kind] = [{"file": file, "what": what} for file, what in told[kind]]
        print_json({"verdict": "FAIL" if found.problems else "PASS", **told})
        return 1 if found.problems else 0
    for file, what in found.problems:
        say(f"{file}: {what}")
    for file, what in found.notes:
        say(f"note: {file}: {what}")
    read = f"{found.files:,} files, {found.rows:,} rows, {found.bytes:,} bytes read"
    say(f"FAIL  {len(found.problems)} problems; {read}" if found.problems else f"PASS  {read}")
    return 1 if found.problems else 0


def _compact(options: argparse.Namespace) -> int:
    from exuvia import lake

    with lake.open(options.root).writer() as writer:
        done = writer.compact(options.day)
    if options.json:
        print_json([of._asdict() for of in done])
        return 0
    for of in done:
        say(f"{of.day}: {of.before} files to {len(of.files)}, {of.bytes_before:,} bytes to {of.bytes:,}")
    if not done:
        say("nothing to do")
    return 0


def _seal(options: argparse.Namespace) -> int:
    from exuvia import lake

    with lake.open(options.root).writer() as writer:
        done = [of for of in writer.seal(options.day, before=options.before) if of.rows]
    if options.json:
        print_json([of._asdict() for of in done])
        return 0
    for of in done:
        say(f"{of.day}: {of.rows:,} rows into {len(of.files)} files, {of.bytes:,} bytes")
    if not done:
        say("no open rows")
    return 0
