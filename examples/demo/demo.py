"""A Python trading bot moults: shadow, verdicts, flips, and a whole run in Rust that must equal the one in Python.

Run it by `make demo`, or with the package and the bot's requirements installed:

    python examples/demo/demo.py [--days N] [--plant tick|side|drop] [--out FOLDER]

Ticks are one real day of EURUSD where the market data is found, else a simulated market. Exit codes: 0 all equal,
1 a unit or a run differs (as it must with a planted bug), 2 the demo could not be shown or the planted bug was not
found, 3 too little happened to say anything.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import exuvia
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from runs import HERE, BotFailedError, Run, differences, parity, run_bot

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = HERE.parent.parent
TICKS = Path("QuantConnect__Lean/Data/forex/oanda/tick/eurusd")
ONE_DAY = "20140507_quote.zip"
LEAST_TRADES = 50
WORDS = 60

UNITS: dict[str, tuple[str, str, dict[str, str]]] = {
    "legacy_bot.stream:decode_frame": ("candidates:decode_frame", "frames of the stream", {}),
    "legacy_bot.quotes:QuoteBook": ("candidates:QuoteBook", "quotes, delta merge", {}),
    "legacy_bot.bars:TickBars": ("candidates:TickBars", "ticks to bars", {}),
    "legacy_bot.bars:aggregate": ("candidates:aggregate", "bars to bars", {}),
    "legacy_bot.archive:encode_bars": ("candidates:encode_bars", "table building", {"$": "parquet"}),
    "legacy_bot.scan:decide": ("candidates:decide", "the scan's decision", {}),
}
PLANTS = {
    "tick": ("legacy_bot.bars:TickBars", "planted:TickBars"),
    "side": ("legacy_bot.scan:decide", "planted:decide"),
    "drop": ("legacy_bot.quotes:QuoteBook", "planted:QuoteBook"),
}

console = Console(width=min(Console().width, 100), highlight=False)


def source_of(days: int, data: Path | None) -> tuple[str, str]:
    """Where the ticks come from, for the venue and in words."""
    folder = data / TICKS if data else None
    if folder is None or not (folder / ONE_DAY).is_file():
        return f"sim:7?days={days}", f"a simulated market, seed 7, {days} day(s); the market data was not found"
    if days == 1:
        return f"lean:{folder / ONE_DAY}", "real EURUSD ticks, Oanda, 2014-05-07"
    files = sorted(folder.glob("*_quote.zip"))[:days]
    return f"lean:{','.join(map(str, files))}", f"real EURUSD ticks, Oanda, {len(files)} days from {files[0].name[:8]}"


def configuration(path: Path, modes: dict[str, str], plant: str | None) -> None:
    """Writes `exuvia.toml`: a rehearsal with one table for each unit."""
    lines = [
        "[exuvia]",
        'calendar = "FX24x5"',
        f'evidence = "{path.stem}-evidence/"',
        "rehearsal = true",
        'endpoints = ["http://127.0.0.1"]',
    ]
    for unit, (candidate, _, rules) in UNITS.items():
        served = PLANTS[plant][1] if plant and PLANTS[plant][0] == unit else candidate
        compare = ", ".join(f'"{where}" = "{rule}"' for where, rule in rules.items())
        lines += [
            "",
            f'[unit."{unit}"]',
            f'candidate = "{served}"',
            'aim = "speed"',
            f'mode = "{modes[unit]}"',
            'effect = "pure"',
            # Every call is compared: the bot waits for the worker where it must, which only a rehearsal may.
            'when_full = "wait"',
        ]
        lines += [f"compare = {{ {compare} }}"] if compare else []
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o644)


def exuvia_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line of exuvia, as a user would call it."""
    return subprocess.run(
        [sys.executable, "-m", "exuvia", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"COLUMNS": str(console.width)},
    )


def status_of(config: Path) -> dict[str, Any]:
    """The status of a finished run, from its evidence."""
    answer = exuvia_command("status", "--config", str(config), "--json")
    if answer.returncode == 2:
        raise BotFailedError(f"exuvia status failed:\n{answer.stderr or answer.stdout}")
    return json.loads(answer.stdout)


def shown(path: Path) -> str:
    """A path as one would type it from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def planted(plant: str, status: dict[str, Any]) -> str | None:
    """Where the planted bug was seen first, in words: the unit, the path and both values; `None` if it was not.

    Args:
        plant: Which bug.
        status: As `exuvia status --json` prints it.
    """
    name = PLANTS[plant][0]
    unit = next((unit for unit in status["units"] if unit["unit"] == name), None)
    if unit is None or unit["verdict"] != "FAIL" or not unit["examples"]:
        return None
    first = unit["examples"][0]
    values = (" ".join(str(first.get(side) or "nothing").split()) for side in ("legacy", "candidate"))
    legacy, rust = (value if len(value) <= WORDS else f"{value[:WORDS]}…" for value in values)
    return f"{name} {first['path']}, legacy {legacy}, Rust {rust}"


class Demo:
    """The acts of the demo, in order; `failures` says what was not equal."""

    def __init__(self, out: Path, source: str, plant: str | None) -> None:
        self.out, self.source, self.plant = out, source, plant
        self.failures: list[str] = []
        self.flipped: list[str] = []
        self.found: str | None = None

    def run(self, name: str, launcher: list[str]) -> Run:
        """One run of the bot under a progress bar."""
        columns = (
            TextColumn("  {task.description:<34}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("ticks"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console) as progress:
            task = progress.add_task(name, total=None)
            run = run_bot(
                name,
                self.source,
                self.out / name.replace(" ", "-"),
                launcher,
                lambda done, of: progress.update(task, completed=done, total=of),
            )
            ticks = run.summary["ticks"]
            progress.update(task, completed=ticks, total=ticks)
        return run

    def moulting(self, name: str, modes: dict[str, str]) -> tuple[Run, dict[str, Any]]:
        """A run under exuvia with these modes, and its status."""
        config = self.out / f"{name.replace(' ', '-')}.toml"
        configuration(config, modes, self.plant)
        run = self.run(name, ["-m", "exuvia", "run", "--config", str(config), "-m", "legacy_bot"])
        return run, status_of(config)

    def compare(self, left: Run, right: Run) -> None:
        """Both runs' artefacts must be equal to the last byte and bit."""
        found = differences(left.folder, right.folder)
        if found:
            self.failures += [f"run '{right.name}': {line}" for line in found]
            console.print(f"  [bold red]differs[/] from '{left.name}':")
            for line in found[:4]:
                console.print(f"    {line[:220]}", markup=False)
        else:
            console.print("  [green]equal[/]: trades, orders, equity, state (bytes); Parquet rows (bits)")

    def enough(self, run: Run) -> None:
        """Too quiet a day proves nothing."""
        trades = run.trades
        console.print(
            f"  {run.summary['ticks']:,} ticks, {run.summary['bars']:,} bars, {trades} closed trades "
            f"in {len(run.summary['closed_trades'])} scenarios, "
            f"{run.summary['rejects']} rejects, {run.summary['cancels']} cancels"
        )
        short = [
            text
            for held, text in (
                (trades >= LEAST_TRADES, f"{trades} closed trades, at least {LEAST_TRADES} are needed"),
                (
                    all(run.summary["closed_trades"].values()) and len(run.summary["closed_trades"]) >= 3,
                    "a scenario did not trade",
                ),
                (run.summary["rejects"] >= 1, "no order was rejected"),
                (run.summary["cancels"] >= 1, "no order was cancelled"),
            )
            if not held
        ]
        if short:
            console.print(f"[bold red]too little happened to say anything:[/] {'; '.join(short)}")
            sys.exit(3)

    def shadow(self) -> None:
        """Prints status and verdict of each unit; a difference ends the moult here."""
        console.rule("[bold]2  Shadow: both sides on the same input[/]", align="left")
        run, status = self.moulting("shadow", dict.fromkeys(UNITS, "shadow"))
        self.compare(self.legacy, run)
        table = exuvia_command("status", "--config", str(self.out / "shadow.toml"))
        self.shadow_status = status
        if self.plant:
            # The sentence at the end says it; whoever wants the rest finds it in the log.
            log = self.out / "status.log"
            log.write_text(f"{table.stdout}\n{json.dumps(status, indent=1)}\n", encoding="utf-8")
            self.found = planted(self.plant, status)
            console.print(f"  status and every difference: {shown(log)}", markup=False)
        else:
            console.print(table.stdout.rstrip(), markup=False)
        for unit in status["units"]:
            if unit["verdict"] != "PASS":
                places = [f"{d['place']} ({d['kind']}, {d['count']}×)" for d in unit["differences"][:4]]
                self.failures.append(f"{unit['unit']}: {unit['verdict']}: {unit['reason']}; {', '.join(places)}")

    def flips(self) -> None:
        """One unit after the other goes to Rust; after each flip the run must equal legacy's."""
        console.rule("[bold]3  Flip, one by one[/]", align="left")
        modes = dict.fromkeys(UNITS, "legacy")
        for number, unit in enumerate(UNITS, 1):
            modes[unit] = "rust"
            run, status = self.moulting(f"flip {number} of {len(UNITS)}", modes)
            console.print(f"  {unit} → rust")
            self.compare(self.legacy, run)
            self.count(status, modes)
            self.flipped.append(unit)

    def count(self, status: dict[str, Any], modes: dict[str, str]) -> None:
        """A flipped unit must not have called legacy once, and must have been called."""
        for unit in status["units"]:
            if modes[unit["unit"]] != "rust":
                continue
            if unit["legacy_calls"] or not unit["candidate_calls"]:
                self.failures.append(
                    f"{unit['unit']} in rust: {unit['legacy_calls']} legacy calls, {unit['candidate_calls']} Rust calls"
                )

    def whole(self) -> None:
        """Writing, the order manager and the state too: all Rust against all legacy."""
        console.rule("[bold]4  Whole run: also writing, orders and state[/]", align="left")
        self.rust = self.run("rust", [str(HERE / "whole_run.py")])
        self.compare(self.legacy, self.rust)

    def saved(self) -> None:
        """What was saved, compute and waiting apart."""
        console.rule("[bold]5  What was saved[/]", align="left")
        table = Table(box=None, pad_edge=False)
        for heading in ("", "legacy", "all in Rust", "saved"):
            table.add_column(heading, justify="left" if not heading else "right")
        times = (("compute", "compute_s"), ("waiting", "waiting_s"), ("start", "start_s"), ("wall", "wall_s"))
        for label, key in times:
            before, after = getattr(self.legacy, key), getattr(self.rust, key)
            # one run of each side: its waiting and its start are the machine's mood, not Rust's merit
            saved = f"{before - after:+.2f} s ({(1 - after / before):.0%})" if key == "compute_s" else ""
            table.add_row(label, f"{before:.2f} s", f"{after:.2f} s", saved)
        table.add_row("peak memory", f"{self.legacy.peak_mb:.0f} MB", f"{self.rust.peak_mb:.0f} MB", "")
        console.print(table)
        console.print("  compute: the bot's loop; waiting: HTTP and WebSocket; start: interpreter and imports.")
        console.print("  Rust shortens neither waiting nor start: what they vary by is not counted as saved.")
        console.print("  Per unit, as timed in the shadow run:")
        for unit in self.shadow_status["units"]:
            ratio = f"{unit['speedup']:.1f}×" if unit["speedup"] else "–"
            legacy, rust = unit["legacy_ns"] / 1e6, unit["candidate_ns"] / 1e6
            console.print(f"    {unit['unit']:<34} {legacy:9.1f} ms → {rust:8.1f} ms  {ratio:>7}")

    def report(self) -> None:
        """The HTML report, with the whole runs in it."""
        figures: dict[str, Any] = {"runs": [self.legacy.figures()]}
        if hasattr(self, "rust"):
            figures["runs"].append(self.rust.figures())
            figures["parity"] = parity(self.legacy, self.rust)
            figures["notes"] = [
                "Compute is the bot's loop, waiting is HTTP and WebSocket, start is interpreter and imports; "
                "cpu is user and system time of the process.",
                *(f"After the flip of {unit}: equal to legacy." for unit in self.flipped),
            ]
        runs = self.out / "runs.json"
        runs.write_text(json.dumps(figures, indent=1))
        page = self.out / "report.html"
        answer = exuvia_command(
            "report",
            "--config",
            str(self.out / "shadow.toml"),
            "--run",
            str(runs),
            "-o",
            str(page),
            "--title",
            "The legacy bot moults",
        )
        if not page.is_file():
            raise BotFailedError(f"exuvia report wrote nothing:\n{answer.stderr or answer.stdout}")
        console.print(f"  report: {shown(page)}", markup=False)

    def planted(self) -> int:
        """Says whether the planted bug was found, and nothing but it."""
        if self.found and len(self.failures) == 1:
            console.print(f"\n[bold green]the planted bug was found[/]: {escape(self.found)} (exit 1, as it must)")
            return 1
        if self.failures:
            console.print(f"\n[bold red]NOT EQUAL[/] ({len(self.failures)}), and not by the planted bug alone")
            for line in self.failures[:12]:
                console.print(f"  {line}", markup=False)
            return 1
        console.print(f"\n[bold red]the planted bug was not found[/]: {self.plant} in {PLANTS[self.plant or ''][0]}")
        return 2

    def play(self) -> int:
        """All acts; the exit code."""
        console.rule("[bold]1  Legacy: the bot in Python[/]", align="left")
        self.legacy = self.run("legacy", ["-m", "legacy_bot"])
        self.enough(self.legacy)
        self.shadow()
        if not self.failures:
            self.flips()
            self.whole()
            self.saved()
        self.report()
        if self.plant:
            return self.planted()
        if self.failures:
            console.print(f"\n[bold red]NOT EQUAL[/] ({len(self.failures)})")
            for line in self.failures[:12]:
                console.print(f"  {line}", markup=False)
            return 1
        console.print(
            f"\n[bold green]EQUAL[/]: {self.legacy.trades} trades, {self.legacy.summary['bars']:,} bars, final equity "
            "and state are the same in Python and in Rust; 0 legacy calls in flipped units."
        )
        return 0


def options(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line; the environment's DAYS, PLANT and EXUVIA_DATA are the defaults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", default=os.environ.get("DAYS") or "1", help="how many days, 1 to 13")
    parser.add_argument(
        "--plant", choices=sorted(PLANTS), default=os.environ.get("PLANT") or None, help="plant a bug in the Rust side"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "demo", help="folder for all output")
    parser.add_argument(
        "--simulated",
        action="store_true",
        default=bool(os.environ.get("SIMULATED")),
        help="take the simulated market even if there is data",
    )
    given = parser.parse_args(arguments)
    if given.plant not in (None, *PLANTS):
        parser.error(f"PLANT={given.plant} is unknown: one of {', '.join(PLANTS)}")
    if not (given.days.isascii() and given.days.isdecimal() and 1 <= int(given.days) <= 13):
        parser.error(f"DAYS={given.days} is no number of days: write a whole number from 1 to 13")
    given.days = int(given.days)
    return given


def places() -> Iterator[Path]:
    """Where the market data may lie."""
    if os.environ.get("EXUVIA_DATA"):
        yield Path(os.environ["EXUVIA_DATA"])
    yield ROOT.parent / "shared" / "data"


def main(arguments: list[str] | None = None) -> int:
    """Plays the demo."""
    given = options(arguments)
    data = None if given.simulated else next((place for place in places() if place.is_dir()), None)
    source, words = source_of(given.days, data)
    out = given.out / given.plant if given.plant else given.out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    build = exuvia.build_info()
    console.print(
        f"[bold]exuvia {build['version']}[/] ({build['commit']}, {build['profile']}) · REHEARSAL on 127.0.0.1 · {words}"
    )
    if given.plant:
        console.print(f"[yellow]a bug is planted in the Rust side of {PLANTS[given.plant][0]}: {given.plant}[/]")
    started = time.monotonic()
    try:
        code = Demo(out, source, given.plant).play()
    except BotFailedError as error:
        console.print(f"[bold red]error[/]: {error}", markup=True)
        return 2
    console.print(f"  {time.monotonic() - started:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
