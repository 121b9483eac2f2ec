"""What is still under way when the program ends, and what a unit in quarantine leaves to its neighbours."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from exuvia.migrate import config as configuration
from exuvia.migrate.evidence import reading
from exuvia.migrate.face import table

LEGACY = "def price(n):\n    return n * 2\ndef other(n):\n    return n + 1\n"
SLOW = "import time\ndef price(n):\n    time.sleep(0.02)\n    return n * 2\n"

MAIN = """
import sys, time
import exuvia.migrate
from exuvia.migrate import installed
installed.FLUSH_S = installed.REHEARSAL_FLUSH_S = 0.5
exuvia.migrate.install("exuvia.toml")
import old
from exuvia.migrate import runtime
for n in range(400):
    old.price(n)
began = time.monotonic()
while not runtime._current.courier.stats()["units"]["old:price"]["answered"] and time.monotonic() - began < 20.0:
    time.sleep(0.01)
print("called", flush=True)
{end}
"""

TURNS = """
import sys, time
import exuvia.migrate
from exuvia.migrate import runtime
exuvia.migrate.install("exuvia.toml")
import old
began = time.monotonic()
while time.monotonic() - began < 5.0:
    old.price(1)
    old.other(2)
    time.sleep(0.005)
stats = runtime._current.courier.stats()
print(stats["restarts"], len(stats["units"]["old:price"]["strikes"]), flush=True)
"""


def program(folder: Path, main: str, candidate: str, names: tuple[str, ...] = ("price",), more: str = "") -> Path:
    """A program in a folder, with its legacy module, its candidate and its configuration."""
    for name, text in (("old", LEGACY), ("new", candidate), ("main", main)):
        (folder / f"{name}.py").write_text(text)
    lines = ["[exuvia]", "rehearsal = true", "endpoints = []"]
    for name in names:
        lines += [f'[unit."old:{name}"]', f'candidate = "new:{name}"', 'effect = "pure"', 'mode = "shadow"', more]
    config = folder / "exuvia.toml"
    config.write_text("\n".join(lines))
    config.chmod(0o600)
    return config


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "main.py"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": str(folder)},
    )


def on_record(config: Path) -> dict[str, Any]:
    """What the evidence says of the units, by name."""
    loaded = configuration.load(config)
    return {one.unit: one for one in reading.statuses(loaded, reading.read_folder(loaded.evidence))}


@pytest.mark.parametrize("how", ["end", "exit", "uninstall", "SIGTERM"])
def test_what_was_not_compared_when_the_program_ended_is_counted_as_dropped(tmp_path: Path, how: str) -> None:
    ends = {"end": "", "exit": "sys.exit(0)", "uninstall": "exuvia.migrate.uninstall()", "SIGTERM": "time.sleep(60)"}
    config = program(tmp_path, MAIN.format(end=ends[how]), SLOW, more="budget = 1.0")
    process = start(tmp_path)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "called\n"
        began = time.monotonic()
        if how == "SIGTERM":
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        took = time.monotonic() - began
    finally:
        process.kill()
        process.wait()
    assert process.returncode == (-signal.SIGTERM if how == "SIGTERM" else 0)
    state = on_record(config)["old:price"]
    counts = state.counts
    assert 0 < counts["compared"] < 400, counts
    assert counts["compared"] + counts["dropped"] == 400, counts
    assert counts["skipped"] == counts["dropped"]
    assert state.verdict == "INCONCLUSIVE"
    assert state.reasons == {"the program ended before it was compared": counts["dropped"]}
    assert took < 2.5, "nobody waits so long for a program to end"


@pytest.mark.parametrize("does", ["__import__('time').sleep(3600)", "__import__('os')._exit(3)"])
def test_in_quarantine_a_candidate_runs_no_more_and_its_neighbours_go_on(tmp_path: Path, does: str) -> None:
    candidate = f"def price(n):\n    {does}\ndef other(n):\n    return n + 1\n"
    config = program(tmp_path, TURNS, candidate, ("price", "other"), "deadline = 0.3\nqueue = 4000")
    process = start(tmp_path)
    try:
        told = process.communicate(timeout=60)[0].split()
    finally:
        process.kill()
        process.wait()
    assert told == ["3", "3"], "restarted twice, and a third time for the others alone"
    states = on_record(config)
    price, other = states["old:price"].counts, states["old:other"].counts
    assert price["panics"] + price["timeouts"] == price["differed"] == price["compared"] == 3
    assert price["dropped"] > 0, "what waited when it was quarantined"
    assert (other["differed"], other["dropped"], other["skipped"]) == (0, 0, 0)
    assert other["compared"] == other["legacy_calls"] > 100


def test_a_candidate_that_never_answered_has_no_time_and_legacys_is_told_in_its_own_unit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    candidate = "import time\ndef price(n):\n    time.sleep(3600)\ndef other(n):\n    return n + 1\n"
    config = program(tmp_path, TURNS.replace("< 5.0", "< 2.0"), candidate, ("price", "other"), "deadline = 0.2")
    process = start(tmp_path)
    try:
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    states = on_record(config)
    price = states["old:price"]
    assert price.counts["timeouts"] == 3
    assert sum(price.latency["candidate"]) == price.counts["candidate_ns"] == 0
    assert sum(price.latency["legacy"]) == price.counts["legacy_ns"] == 0, "times are of calls that both answered"
    example = price.examples[0]
    assert re.fullmatch(r"answered in \d[\d.]* (ns|µs|ms)", example["legacy"]), example
    assert not example["legacy"].startswith("answered in 0")
    assert example["candidate"] == "no answer in 0.2 s"
    table.render([price, states["old:other"]])
    row, other = (
        line for line in capsys.readouterr().out.splitlines() if line.startswith(("old:price ", "old:other "))
    )
    # Both times; where the table is full, legacy's goes first. A ratio needs more calls than these.
    assert row.split().count("–") in {2, 3}, row
    assert other.split().count("–") == 1, other
