"""The command line, run as a user runs it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from commands import environment, exuvia
from exuvia.migrate.modes import journal as modes

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import os, sys, time
from bot import price
def main():
    total = sum(price(n) for n in range(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
    print("total", total, sys.argv[1:], price.__code__.co_filename.endswith("bot.py"), flush=True)
    for line in sys.stdin if "--wait" in sys.argv else ():
        print("price", price(1), flush=True)
    if "--exit" in sys.argv:
        sys.exit(7)
if __name__ == "__main__":
    main()
"""
BOT = "def price(n):\n    return 1.0 + n / 4\n"
SHIM = """
import os
PLANT = os.environ.get("PLANT")
def price(n):
    return 1.0 + n / 4 + (0.25 if PLANT and n == 3 else 0.0)
"""
CONFIG = """
[exuvia]
rehearsal = {rehearsal}
endpoints = ["http://127.0.0.1:1"]
[unit."bot:price"]
candidate = "shim:price"
effect = "pure"
mode = "{mode}"
"""

Run = "Callable[..., subprocess.CompletedProcess[str]]"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in (("prog.py", PROGRAM), ("bot.py", BOT), ("shim.py", SHIM)):
        (tmp_path / name).write_text(text)
    configure(tmp_path)
    return tmp_path


def waiting(project: Path, calls: str) -> subprocess.Popen[str]:
    """The program under exuvia, with a candidate that differs: it calls so often, then at each line it is sent."""
    return subprocess.Popen(
        [sys.executable, "-m", "exuvia", "run", "-m", "prog", calls, "--wait"],
        cwd=project,
        env=environment(PLANT="1"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def configure(folder: Path, mode: str = "shadow", rehearsal: str = "true", sample: float = 1.0) -> None:
    text = CONFIG.format(mode=mode, rehearsal=rehearsal).replace(
        f'mode = "{mode}"', f'mode = "{mode}"\nsample = {sample}'
    )
    (folder / "exuvia.toml").write_text(text)
    (folder / "exuvia.toml").chmod(0o600)


def test_status_is_inconclusive_then_passes_then_fails_with_the_path(project: Path) -> None:
    empty = exuvia(project, "status")
    assert (empty.returncode, "nothing was compared" in empty.stdout) == (3, True), empty
    ran = exuvia(project, "run", "-m", "prog", "20", "--x")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "total 67.5 ['20', '--x'] True\n"
    passed = exuvia(project, "status", "--json")
    found = json.loads(passed.stdout)
    assert (passed.returncode, found["overall"], found["rehearsal"]) == (0, "PASS", True)
    assert found["units"][0]["compared"] == 20
    assert exuvia(project, "run", "prog.py", PLANT="1").returncode == 0
    failed = exuvia(project, "status")
    assert failed.returncode == 1
    assert "FAIL" in failed.stdout
    assert "bot:price" in failed.stdout
    assert "$  value ×1: legacy 1.75, candidate 2.0" in failed.stdout
    assert "REHEARSAL" in failed.stdout
    assert max(map(len, failed.stdout.splitlines())) <= 100


def test_in_mode_rust_the_counters_show_no_legacy_call(project: Path) -> None:
    configure(project, mode="rust")
    assert exuvia(project, "run", "prog.py", "50").returncode == 0
    unit = json.loads(exuvia(project, "status", "--json").stdout)["units"][0]
    assert (unit["mode"], unit["legacy_calls"], unit["candidate_calls"]) == ("rust", 0, 50)
    assert unit["verdict"] == ("PASS" if unit["compared"] else "INCONCLUSIVE"), "one call in a hundred is compared"


def test_the_programs_exit_code_and_arguments_are_its_own(project: Path) -> None:
    ran = exuvia(project, "run", "--config", "exuvia.toml", "-m", "prog", "3", "--exit", "--config", "mine")
    assert (ran.returncode, "['3', '--exit', '--config', 'mine']" in ran.stdout) == (7, True), ran


def test_an_error_of_the_program_is_shown_as_python_shows_it(project: Path) -> None:
    (project / "prog.py").write_text("import bot\nopen('nowhere.txt')\n")
    for words in (("-m", "prog"), ("prog.py",)):
        ran = exuvia(project, "run", *words)
        assert ran.returncode == 1
        head, first, *_, last = ran.stderr.splitlines()
        assert head.startswith("Traceback")
        assert "prog.py" in first
        assert last == "FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.txt'"


def test_errors_exit_with_2_and_name_the_line(project: Path) -> None:
    configure(project, mode="rusty")
    broken = exuvia(project, "run", "-m", "prog")
    assert (broken.returncode, broken.stdout) == (2, "")
    assert re.search(r"exuvia.toml:8: unknown mode 'rusty': did you mean 'rust'\?", broken.stderr)
    assert exuvia(project, "status", "--config", "nowhere.toml").returncode == 2
    assert exuvia(project, "run").returncode == 2
    assert exuvia(project).returncode == 2
    configure(project)
    unknown = exuvia(project, "status", "bot:prise")
    assert (unknown.returncode, "did you mean 'bot:price'" in unknown.stderr) == (2, True)


def test_a_rehearsal_with_a_broker_in_reach_does_not_start(project: Path) -> None:
    config = project / "exuvia.toml"
    config.write_text(config.read_text().replace("127.0.0.1:1", "gateway.saxobank.com"))
    refused = exuvia(project, "run", "-m", "prog")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "not loopback" in refused.stderr


def test_help_and_version_answer(project: Path) -> None:
    for words in (
        (),
        ("run",),
        ("status",),
        ("report",),
        ("rollback",),
        ("promote",),
        ("approve",),
        ("drill",),
        ("venue",),
        ("venue", "saxo"),
    ):
        shown = exuvia(project, *words, "--help")
        assert (shown.returncode, shown.stderr) == (0, ""), words
        assert "usage: exuvia" in shown.stdout
    assert re.match(r"exuvia \d+\.\d+\.\d+ \(.*sha256 [0-9a-f]{16}\)", exuvia(project, "--version").stdout)


def test_a_rollback_reaches_a_running_process_and_survives_a_restart(project: Path) -> None:
    configure(project, mode="rust")
    process = waiting(project, "3")
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("total")
        assert exuvia(project, "rollback", "--reason", "drill").returncode == 0
        time.sleep(1.5)
        process.stdin.write("go\n")
        process.stdin.close()
        assert process.stdout.readline() == "price 1.25\n"
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    unit = json.loads(exuvia(project, "status", "--json").stdout)["units"][0]
    assert (unit["mode"], unit["effective"], unit["candidate_calls"]) == ("legacy", "legacy", 3)
    assert exuvia(project, "run", "-m", "prog", "5").returncode == 0
    unit = json.loads(exuvia(project, "status", "--json").stdout)["units"][0]
    assert unit["candidate_calls"] == 3
    glass = ("--break-glass", "the drill is over")
    assert exuvia(project, "promote", "bot:price", "--to", "rust", *glass).returncode == 0
    assert exuvia(project, "run", "-m", "prog", "5").returncode == 0
    assert json.loads(exuvia(project, "status", "--json").stdout)["units"][0]["candidate_calls"] == 8


def test_a_promotion_stays_below_the_ceiling_and_leaves_no_step_out_except_in_rehearsals(project: Path) -> None:
    above = exuvia(project, "promote", "bot:price", "--to", "rust")
    assert (above.returncode, "ceiling is shadow" in above.stderr) == (2, True)
    configure(project, rehearsal="false", mode="rust")
    gated = exuvia(project, "promote", "bot:price", "--to", "rust")
    assert (gated.returncode, "no step from legacy to rust: shadow comes first" in gated.stderr) == (2, True)
    assert exuvia(project, "rollback", "bot:prise").returncode == 2
    assert not (project / "evidence" / modes.JOURNAL).exists()


def test_a_check_above_the_ceiling_says_what_else_is_missing(project: Path) -> None:
    configure(project, rehearsal="false")
    checked = exuvia(project, "promote", "bot:price", "--to", "rust", "--check")
    listed = re.findall(r"^  (\w+) +(?:PASS|FAIL|INCONCLUSIVE) ", checked.stdout, re.MULTILINE)
    assert checked.returncode == 3, checked
    assert listed[:2] == ["ceiling", "step"]
    assert {"worth", "gate", "key", "drill", "approvals"} <= set(listed), checked.stdout
    assert "refused, INCONCLUSIVE: ceiling, step, " in checked.stderr
    assert not (project / "evidence" / modes.JOURNAL).exists()


def on_record(evidence: Path, text: bytes) -> bool:
    return any(text in path.read_bytes() for path in evidence.glob("*") if path.is_file())


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_counted_survives_a_kill(project: Path, number: int) -> None:
    process = waiting(project, "30")
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("total")
        until = time.monotonic() + 20
        while not on_record(project / "evidence", b'"mismatch"'):
            assert time.monotonic() < until, "the worker's verdict never came"
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(timeout=30) == -number
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
    status = exuvia(project, "status", "--json")
    unit = json.loads(status.stdout)["units"][0]
    # A verdict is on disk as soon as it came; counters come every second and at SIGTERM.
    assert (status.returncode, unit["verdict"], len(unit["examples"])) == (1, "FAIL", 1)
    if number == signal.SIGTERM:
        assert unit["compared"] == 30


class Outside(HTMLParser):
    """Collects what a page would load and what scripts it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[tuple[str, str | None]] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [(name, value) for name, value in attrs if name in ("src", "href", "data", "action")]


def test_the_report_is_one_file_without_network_in_which_every_value_is_escaped(project: Path) -> None:
    evil = "<script>alert(1)</script>\"'&"
    (project / "bot.py").write_text(f"def price(n):\n    return {evil!r} + str(n)\n")
    (project / "shim.py").write_text("def price(n):\n    return '<img src=x onerror=alert(2)>' + str(n)\n")
    (project / "prog.py").write_text("from bot import price\nfor n in range(3): price(n)\n")
    assert exuvia(project, "run", "-m", "prog").returncode == 0
    runs: dict[str, Any] = {
        "runs": [
            {
                "name": f"legacy {evil}",
                "wall_s": 60.0,
                "compute_s": 9.0,
                "waiting_s": 51.0,
                "trades": 70,
                "digest": evil,
            },
            {"name": "rust", "wall_s": 53.0, "compute_s": 2.0, "waiting_s": 51.0, "trades": 70, "digest": evil},
        ],
        "parity": [{"what": evil, "legacy": "1", "rust": "1", "equal": True}],
        "notes": [evil],
    }
    (project / "runs.json").write_text(json.dumps(runs))
    made = exuvia(project, "report", "-o", "out.html", "--title", f"Rehearsal {evil}", "--run", "runs.json")
    assert (made.returncode, made.stderr) == (1, ""), made
    text = (project / "out.html").read_text(encoding="utf-8")
    page = Outside()
    page.feed(text)
    assert page.loads == []
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    assert page.tags.count("svg") == 3
    assert "http" not in text.replace("http-equiv", "")
    for word in ("REHEARSAL", "FAIL", "bot:price", "&lt;script&gt;", "SHA-256", "7.00 s"):
        assert word in text
    assert exuvia(project, "report", "-o", "out.html", "--run", "exuvia.toml").returncode == 2


def test_a_venue_prints_its_url_serves_and_stops_at_ctrl_c(project: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "exuvia", "venue", "saxo", "--port", "0", "--source", "sim:7"],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        with pytest.raises(OSError, match="HTTP Error 4"):
            urlopen(f"{url}/sim/openapi/port/v1/accounts/me", timeout=10)  # noqa: S310 - loopback
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()
    assert exuvia(project, "venue", "saxo", "--source", "nothing").returncode == 2
