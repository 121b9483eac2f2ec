"""The targets of the Makefile: demo, test, test-long, bench, wheel, coverage, clean.

Only the standard library is used here: what else a target needs, it installs into an environment first.
"""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from typing import TYPE_CHECKING

import checks
import covered
import environment
import long_tests
import needs
import newest
from places import BARE, BUILD, COVERED, DIST, ROOT, VENV, WHEELS, python_of
from steps import Run

if TYPE_CHECKING:
    from collections.abc import Callable

WHEEL_LIMIT = 12_000_000
DEMO = ROOT / "examples" / "demo" / "demo.py"
PLANTS = ("tick", "side", "drop")


def asked() -> None:
    """Refuses a DAYS or PLANT that the demo does not know before anything is built."""
    days, plant = os.environ.get("DAYS") or "1", os.environ.get("PLANT") or PLANTS[0]
    wrong = ""
    if not (days.isascii() and days.isdecimal() and 1 <= int(days) <= 13):
        wrong = f"DAYS={days} is no number of days: write a whole number from 1 to 13"
    elif plant not in PLANTS:
        wrong = f"PLANT={plant} is unknown: one of {', '.join(PLANTS)}"
    if wrong:
        print(f"make demo: {wrong}", file=sys.stderr)
        sys.exit(2)


def demo() -> None:
    """Builds, installs, and shows the migration."""
    asked()
    needs.check()
    run = Run(env=environment.cargo_env())
    wheel = environment.ready(run)
    print(f"  the wheel, for pip install in your own environment: {wheel.relative_to(ROOT)}", flush=True)
    outcome = run.call("demo", [python_of(VENV), DEMO], show=True)
    sys.exit(outcome.status)


def test() -> None:
    """Everything that must hold, and the line of totals."""
    needs.check(("fmt", "clippy"))
    checks.everything(Run(env=environment.cargo_env()))


def wheel() -> None:
    """The wheel for other machines of this kind: fat LTO, in dist/."""
    needs.check()
    run = Run(env=environment.cargo_env())
    environment.development(run)
    built = environment.build(run, "release", DIST)
    size = built.stat().st_size
    print(f"  {built.relative_to(ROOT)}: {size:,} bytes, {len(zipfile.ZipFile(built).namelist())} files")
    if size >= WHEEL_LIMIT:
        run.fail("size of the wheel", f"{size:,} bytes, the limit is {WHEEL_LIMIT:,}")
    run.end(totals=False)


def bench() -> None:
    """The wheel with fat LTO in .venv/, criterion, then the peers."""
    needs.check()
    run = Run(env=environment.cargo_env())
    environment.ready(run, "release")
    peers = ROOT / "benches" / "run.py"
    run.must("criterion", ["cargo", "bench", "--locked", "-p", "exuvia-benches"])
    status = run.call("peers", [python_of(VENV), peers], show=True).status
    interpreter = newest.python()
    if interpreter is None:
        run.skip("dispatch on the newest Python", "no Python 3.12 or newer was found: name one in ABI3_PYTHON")
        sys.exit(status)
    # What a call costs depends on the interpreter more than anything else does.
    venv = newest.bench_venv(run, interpreter, newest.wheel(run, interpreter, "release", WHEELS / "abi3-release"))
    rows = ["--rows", "dispatch", "--out", "RESULTS-newest-python.md"]
    sys.exit(run.call("peers, newest Python", [python_of(venv), peers, *rows], show=True).status or status)


def clean() -> None:
    """Removes what the other targets made."""
    for folder in (VENV, BARE, COVERED, BUILD, DIST, ROOT / "target", ROOT / "out"):
        if folder.exists():
            shutil.rmtree(folder)
            print(f"  removed {folder.relative_to(ROOT)}/")


TARGETS: dict[str, Callable[[], None]] = {
    "demo": demo,
    "test": test,
    "test-long": long_tests.everything,
    "bench": bench,
    "wheel": wheel,
    "coverage": covered.everything,
    "clean": clean,
}


def main(arguments: list[str]) -> None:
    """Runs one target."""
    if len(arguments) != 1 or arguments[0] not in TARGETS:
        sys.exit(f"usage: gate.py {' | '.join(TARGETS)}")
    os.chdir(ROOT)
    try:
        TARGETS[arguments[0]]()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1:])
