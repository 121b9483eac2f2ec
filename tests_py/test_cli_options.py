"""Options of the command line that are easily forgotten: units, folders, JSON, Ctrl-C, exits with words."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from commands import environment, exuvia, python
from exuvia.migrate.modes import journal as modes
from test_cli import project

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["project"]

UNIT = "bot:price"


def two_units(folder: Path, first: str = "shadow", second: str = "shadow") -> None:
    """A second unit beside the first, with a bug of its own."""
    for name, by in (("bot", "2"), ("shim", "3")):
        path = folder / f"{name}.py"
        path.write_text(f"{path.read_text()}\ndef size(n):\n    return n * {by}\n")
    config = folder / "exuvia.toml"
    text = config.read_text().replace('mode = "shadow"', f'mode = "{first}"')
    unit = f'[unit."bot:size"]\ncandidate = "shim:size"\neffect = "pure"\nmode = "{second}"\n'
    config.write_text(text + unit)
    (folder / "prog.py").write_text("import bot\nfor n in range(1, 4): bot.price(n), bot.size(n)\n")


def test_status_of_one_unit_is_judged_by_that_unit_alone(project: Path) -> None:
    two_units(project)
    assert exuvia(project, "run", "-m", "prog").returncode == 0
    assert exuvia(project, "status").returncode == 1
    for unit, code, verdict in ((UNIT, 0, "PASS"), ("bot:size", 1, "FAIL")):
        one = exuvia(project, "status", unit, "--json")
        found = json.loads(one.stdout)
        assert (one.returncode, found["overall"], [state["unit"] for state in found["units"]]) == (
            code,
            verdict,
            [unit],
        )


def test_a_report_says_as_json_what_it_wrote_and_the_verdict(project: Path) -> None:
    exuvia(project, "run", "-m", "prog", "4")
    made = exuvia(project, "report", "--json", "-o", "out.html")
    found = json.loads(made.stdout)
    assert (made.returncode, found["overall"], found["output"]) == (0, "PASS", "out.html")
    assert (found["units"][0]["unit"], found["units"][0]["compared"]) == (UNIT, 4)
    assert "PASS" in (project / "out.html").read_text(encoding="utf-8")


def test_a_report_says_that_it_was_written_before_the_verdict_and_its_first_reason(project: Path) -> None:
    exuvia(project, "run", "-m", "prog", "40")
    good = exuvia(project, "report", "-o", "out.html")
    assert (good.returncode, good.stdout) == (
        0, "wrote out.html — overall PASS: 1 unit passes in 40 compared calls\n"
    )  # fmt: skip
    exuvia(project, "run", "-m", "prog", "10", PLANT="1")
    bad = exuvia(project, "report", "-o", "out.html")
    why = "bot:price: 1 of 50 compared calls differ"
    assert (bad.returncode, bad.stdout) == (1, f"wrote out.html — overall FAIL: {why}\n")
    told = json.loads(exuvia(project, "report", "-o", "out.html", "--json").stdout)
    assert (told["overall"], told["reason"]) == ("FAIL", why)


def test_evidence_goes_to_the_folder_that_was_named_and_is_read_from_there(project: Path) -> None:
    assert exuvia(project, "run", "--evidence", "proof", "-m", "prog", "4").returncode == 0
    assert not (project / "evidence").exists()
    assert len(list((project / "proof").glob("*.seg"))) == 1
    assert exuvia(project, "status").returncode == 3
    assert exuvia(project, "status", "--evidence", "proof").returncode == 0


@pytest.mark.parametrize(("leaving", "code", "said"), [("'no money'", 1, "no money\n"), ("None", 0, ""), ("9", 9, "")])
def test_a_program_that_exits_with_words_is_shown_and_fails_as_python_has_it(
    project: Path, leaving: str, code: int, said: str
) -> None:
    (project / "prog.py").write_text(f"import sys\nsys.exit({leaving})\n")
    plain = python(project, "prog.py")
    ran = exuvia(project, "run", "prog.py")
    assert (ran.returncode, ran.stderr) == (plain.returncode, plain.stderr) == (code, said)


def opened(pipe: Path) -> int:
    """The writing end of a named pipe, once someone reads it."""
    for _ in range(1_000):
        with contextlib.suppress(OSError):
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.02)
    raise AssertionError("nobody reads the pipe")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_ctrl_c_ends_a_command_without_a_traceback(project: Path) -> None:
    (project / "evidence").mkdir()
    pipe = project / "evidence" / modes.JOURNAL
    os.mkfifo(pipe)
    with subprocess.Popen(
        [sys.executable, "-m", "exuvia", "status"],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            writer = opened(pipe)  # the command reads: it waits for the journal now
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=30)
            os.close(writer)
        finally:
            process.kill()
    assert (process.returncode, out, errors) == (130, "", "")


def test_nothing_is_promoted_by_a_journal_that_cannot_be_trusted(project: Path) -> None:
    exuvia(project, "rollback", "--reason", "drill")
    journal = project / "evidence" / modes.JOURNAL
    journal.write_text(journal.read_text() + "scribble\n")
    before = journal.read_bytes()
    refused = exuvia(project, "promote", UNIT, "--to", "shadow")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "cannot be trusted, so nothing is promoted" in refused.stderr
    assert f"{modes.JOURNAL}:2" in refused.stderr
    assert journal.read_bytes() == before


def test_all_promotes_what_its_ceiling_allows_and_names_what_it_leaves_out(project: Path) -> None:
    two_units(project, first="rust", second="shadow")
    glass = ("--break-glass", "a drill")
    done = exuvia(project, "promote", "--all", "--to", "rust", *glass)
    assert done.returncode == 0, done
    assert "bot:size: left out, its mode in exuvia.toml is shadow" in done.stdout
    journal = modes.read(project / "evidence")
    assert journal.modes == {UNIT: "rust"}
    unknown = exuvia(project, "promote", "bot:prise", "--to", "shadow")
    assert (unknown.returncode, "did you mean 'bot:price'" in unknown.stderr) == (2, True)
    assert modes.read(project / "evidence").modes == {UNIT: "rust"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["init", "--force", "--top", "-1"], "'-1' is no count"),
        (["init", "--force", "--top", "0"], "'0' is no count"),
        (["diff", "--most", "-3"], "'-3' is no count"),
        (["diff", "--path", "nope["], "--path 'nope[' is no path"),
        (["promote", "--freeze", ""], "it is empty: say why"),
        (["promote", UNIT, "--to", "rust", "--break-glass", "  "], "it is empty: say why"),
        (["promote", UNIT, "--clear", ""], "it is empty: say why"),
        (["promote", UNIT, "--to", "retired"], "deletion certificate"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_value(project: Path, words: list[str], said: str) -> None:
    before = (project / "exuvia.toml").read_text()
    found = exuvia(project, *words)
    assert (found.returncode, said in found.stderr) == (2, True), found.stderr
    assert "raise mode" not in found.stderr
    assert (project / "exuvia.toml").read_text() == before
    assert not modes.read(project / "evidence").frozen
