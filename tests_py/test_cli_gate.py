"""The gate before rust, the journal's say, and a command line that says what it did when things are broken."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from commands import environment, exuvia
from exuvia.migrate.cli import main as cli
from exuvia.migrate.modes import journal as modes
from test_cli import BOT, SHIM, configure, project

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["project"]

UNIT = "bot:price"


def state(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(exuvia(folder, "status", "--json").stdout)["units"][0]
    return found


def test_only_a_pass_of_the_code_as_it_is_now_goes_to_rust(project: Path) -> None:
    configure(project, mode="rust")
    promotion = ("promote", UNIT, "--to", "rust")
    unknown = exuvia(project, *promotion)
    assert (unknown.returncode, "INCONCLUSIVE: nothing was compared" in unknown.stderr) == (3, True)
    configure(project)
    exuvia(project, "run", "-m", "prog")
    configure(project, mode="rust")
    assert exuvia(project, *promotion).returncode == 0
    (project / "shim.py").write_text(SHIM + "# changed since\n")
    stale = exuvia(project, *promotion)
    assert (stale.returncode, state(project)["verdict"]) == (3, "INCONCLUSIVE")
    left_out = "evidence of 1 run with other code, rules or build is not counted; changed since: "
    assert state(project)["notes"][-1] == f"{left_out}{project / 'shim.py'}"
    (project / "shim.py").write_text(SHIM)
    assert exuvia(project, *promotion).returncode == 0
    configure(project)
    exuvia(project, "rollback", UNIT)
    exuvia(project, "promote", UNIT, "--to", "shadow")
    exuvia(project, "run", "-m", "prog", PLANT="1")
    configure(project, mode="rust")
    failing = exuvia(project, *promotion)
    assert (failing.returncode, "FAIL: 1 of 20 compared calls differ" in failing.stderr) == (1, True), failing


def test_a_rehearsal_that_began_in_rust_is_told_the_way_and_the_way_works(project: Path) -> None:
    # Of what serves in rust a share is compared, by chance: here none.
    configure(project, mode="rust", sample=1e-9)
    exuvia(project, "run", "-m", "prog")
    refused = exuvia(project, "promote", UNIT, "--to", "rust")
    way = f"exuvia rollback {UNIT}, then exuvia promote {UNIT} --to shadow, run it, then --to rust"
    assert (refused.returncode, way in refused.stderr) == (3, True), refused.stderr
    configure(project, mode="rust")
    down = exuvia(project, "promote", UNIT, "--to", "shadow")
    assert down.returncode == 2
    assert f"exuvia rollback {UNIT}, then exuvia promote {UNIT} --to shadow" in down.stderr
    assert exuvia(project, "rollback", UNIT).returncode == 0
    assert exuvia(project, "promote", UNIT, "--to", "shadow").returncode == 0
    exuvia(project, "run", "-m", "prog")
    done = exuvia(project, "promote", UNIT, "--to", "rust")
    assert done.returncode == 0, done.stderr
    assert state(project)["effective"] == "rust"


@pytest.mark.parametrize("command", ["prove-deletable"])
def test_a_command_that_comes_later_says_so_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert cli.main([command, "desk", "--json"]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith(f"exuvia {command}: not in this version: ")
    assert command in cli.parser().format_help()
    assert not cli.LATER.keys() & set(cli.COMMANDS)


def test_gate_offers_no_step_that_promote_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["gate", "desk", "--to", "retired"])
    assert "invalid choice: 'retired' (choose from" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["gate", "--help"])
    assert "retired" not in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(["promote", "--help"])
    assert "retired" not in capsys.readouterr().out.partition("options:")[0].partition("\n\n")[0]


def test_a_broken_glass_is_printed_and_stays_in_the_journal(project: Path) -> None:
    configure(project, mode="rust")
    done = exuvia(project, "promote", UNIT, "--to", "rust", "--break-glass", "venue is down")
    assert (done.returncode, "GLASS BROKEN (venue is down)" in done.stdout) == (0, True)
    entry = json.loads((project / "evidence" / modes.JOURNAL).read_text().splitlines()[-1])
    assert (entry["mode"], entry["break_glass"]) == ("rust", "venue is down")
    assert "glass broken (venue is down)" in exuvia(project, "run", "-m", "prog").stderr


def test_a_unit_with_a_difference_of_this_code_starts_in_shadow_whatever_the_file_says(project: Path) -> None:
    exuvia(project, "run", "-m", "prog", PLANT="1")
    configure(project, mode="rust")
    ran = exuvia(project, "run", "-m", "prog", PLANT="1")
    assert (ran.returncode, "held in shadow: FAIL" in ran.stderr) == (0, True)
    assert ran.stdout.startswith("total 21.25 ")
    held = state(project)
    assert (held["file"], held["mode"], held["effective"], held["candidate_calls"]) == ("rust", "shadow", "shadow", 0)
    assert "rust→shadow" in exuvia(project, "status").stdout


def test_rust_where_nothing_was_compared_is_warned_of_and_noted(project: Path) -> None:
    configure(project, mode="rust", sample=1e-9)
    ran = exuvia(project, "run", "-m", "prog")
    assert (ran.returncode, ran.stderr) == (
        0,
        f"exuvia: {UNIT}: rust without a PASS of this code: nothing was compared\n",
    )
    assert state(project)["notes"] == ["rust without a PASS of this code: nothing was compared"]


def test_a_unit_that_the_journal_holds_says_since_when_why_and_how_to_raise_it(project: Path) -> None:
    exuvia(project, "run", "-m", "prog")
    exuvia(project, "rollback", "--reason", "drill")
    ran = exuvia(project, "run", "-m", "prog")
    shown = exuvia(project, "status").stdout
    for text in (ran.stderr, " ".join(shown.split())):
        assert "file says shadow, the mode journal holds it at legacy since 20" in text
        assert f"(drill): exuvia promote {UNIT} --to shadow" in text
    assert "shadow→legacy" in shown
    assert exuvia(project, "promote", "--to", "shadow").returncode == 2
    assert exuvia(project, "promote", "--all", "--to", "shadow").returncode == 0
    assert exuvia(project, "run", "-m", "prog").stderr == ""


def test_calls_of_legacy_mode_are_shown_as_not_counted_and_not_as_none(project: Path) -> None:
    configure(project, mode="legacy")
    exuvia(project, "run", "-m", "prog")
    shown = exuvia(project, "status").stdout
    assert shown.splitlines()[2].split()[:4] == [UNIT, "legacy", "–", "0"]
    assert "–: legacy mode runs the original code: not counted" in shown
    exuvia(project, "report", "-o", "out.html")
    assert "not counted" in (project / "out.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("broken", ["[exuvia\nevidence = 'elsewhere'\n", None])
def test_a_rollback_needs_no_configuration_that_can_be_read(project: Path, broken: str | None) -> None:
    (project / "exuvia.toml").unlink()
    refused = exuvia(project, "rollback")
    assert (refused.returncode, "pass --evidence DIR" in refused.stderr) == (2, True)
    if broken is not None:
        (project / "exuvia.toml").write_text(broken)
    done = exuvia(project, "rollback", UNIT, "--evidence", "proof")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "this is done for every unit" in done.stdout
    assert modes.read(project / "proof").effective(UNIT, "rust") == "legacy"
    name = "elsewhere" if broken is not None else "evidence"
    (project / "evidence").mkdir()
    found = exuvia(project, "rollback")
    assert (found.returncode, str(project / name) in found.stdout) == (0, True), found
    assert modes.read(project / name).effective(UNIT, "rust") == "legacy"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xef\xbb\xbf[exuvia]\n", "exuvia.toml:1: this is UTF-8 with a byte order mark: save it as UTF-8"),
        (b'[exuvia]\ncalendar = "Z\xfcrich"\n', "exuvia.toml:2: byte 0xfc is not UTF-8: save the file as UTF-8"),
        (b'[unit."bot:price"]\neffect = "pure"\n', "exuvia.toml:1: unit 'bot:price': candidate is missing"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_line_and_remedy(project: Path, raw: bytes, said: str) -> None:
    (project / "exuvia.toml").write_bytes(raw)
    refused = exuvia(project, "status")
    assert (refused.returncode, said in refused.stderr, "Traceback" in refused.stderr) == (2, True, False), refused


def test_another_number_of_parameters_is_named_with_file_and_line(project: Path) -> None:
    (project / "shim.py").write_text("def price(n, m):\n    return 1.0\n")
    refused = exuvia(project, "run", "-m", "prog")
    assert (refused.returncode, "exuvia.toml:5: unit 'bot:price' has the signature (n)" in refused.stderr) == (2, True)


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_a_port_that_is_none_is_refused(project: Path, port: str) -> None:
    refused = exuvia(project, "venue", "saxo", f"--port={port}")
    assert (refused.returncode, "a whole number from 0 to 65535" in refused.stderr) == (2, True)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are those of POSIX")
def test_a_reader_that_leaves_is_no_error(project: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "exuvia", "status"],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


def test_evidence_that_cannot_be_written_is_said_once_and_the_program_runs(project: Path) -> None:
    (project / "evidence").write_text("a file")
    ran = exuvia(project, "run", "-m", "prog")
    assert (ran.returncode, ran.stdout.startswith("total"), ran.stderr.count("evidence stopped")) == (0, True, 1)


def test_no_units_is_said_and_the_program_runs(project: Path) -> None:
    (project / "exuvia.toml").write_text("[exuvia]\n")
    ran = exuvia(project, "run", "-m", "prog")
    assert (ran.returncode, "declares no units" in ran.stderr) == (0, True)
    shown = exuvia(project, "status")
    assert (shown.returncode, "no units declared" in shown.stdout, "exuvia init" in shown.stdout) == (3, True, True)


def test_no_ratio_is_shown_of_a_candidate_that_is_legacys_own_code(project: Path) -> None:
    (project / "shim.py").write_text(BOT)
    assert exuvia(project, "run", "-m", "prog", "400").returncode == 0
    found = state(project)
    assert (found["verdict"], found["speedup"]) == ("PASS", None)
    low, high = found["speedup_interval"]
    assert low < 1.0 < high
    text = exuvia(project, "status").stdout
    assert "no difference shown" in text
    assert "exuvia bench" in text
    assert exuvia(project, "report", "-o", "out.html").returncode == 0
    page = (project / "out.html").read_text(encoding="utf-8")
    assert "no difference shown" in page
    assert "timed in different processes" in page
    assert not re.search(r"\d×", page)


def test_a_ratio_is_shown_with_its_interval_of_a_unit_that_passes_and_is_faster_and_floats_say_how_far(
    project: Path,
) -> None:
    (project / "shim.py").write_text("def price(n):\n    return (1.0 + n / 4) * (1 + 2.0**-52)\n")
    exuvia(project, "run", "-m", "prog")
    shown = exuvia(project, "status").stdout
    assert " ulp)" in shown
    assert state(project)["speedup"] is None
    assert exuvia(project, "report", "-o", "out.html").returncode == 1
    page = (project / "out.html").read_text(encoding="utf-8")
    assert not re.search(r"\d×", page)
    assert " ulp)" in page
    slow = "def price(n):\n    total = sum(range(20_000))\n    return 1.0 + n / 4 + (total - 199_990_000)\n"
    (project / "bot.py").write_text(slow)
    (project / "shim.py").write_text(BOT)
    exuvia(project, "run", "-m", "prog", "100")
    found = state(project)
    low, high = found["speedup_interval"]
    assert 1.0 < low < found["speedup"] < high
    shown = exuvia(project, "status").stdout
    assert re.search(r"ratio of a call, 95 %: price [\d.]+× \([\d.]+ to [\d.,]+\)", " ".join(shown.split())), shown
    assert exuvia(project, "report", "-o", "out.html").returncode == 0
    page = (project / "out.html").read_text(encoding="utf-8")
    assert "as fast a call" in page
    assert "timed in different processes" in page
    assert "a factor of 2 either way" in page


def test_at_narrow_widths_names_are_cut_in_the_middle_and_not_folded(project: Path) -> None:
    long = "bot_of_a_desk_with_a_long_name"
    for old, new in (("bot.py", f"{long}.py"), ("shim.py", "shim.py")):
        (project / new).write_text((project / old).read_text())
    config = project / "exuvia.toml"
    config.write_text(config.read_text().replace("bot:price", f"{long}:price"))
    for width in ("100", "80", "60"):
        shown = exuvia(project, "status", COLUMNS=width).stdout
        assert max(map(len, shown.splitlines())) <= int(width)
        row = shown.splitlines()[2:4]
        assert row[0].startswith("bot_"), shown
        assert row[1].strip() == "price"


def test_by_default_a_unit_of_one_kind_of_input_has_enough_recorded_calls_for_replay_and_aa(project: Path) -> None:
    assert exuvia(project, "run", "-m", "prog", "25").returncode == 0
    for command in ("replay", "aa"):
        done = exuvia(project, command)
        assert (done.returncode, "PASS" in done.stdout) == (0, True), done.stdout
