"""The two commands say what is missing, count what ran, and notice what they are there to notice."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
CI = ROOT / ".ci"


def script(folder: Path, name: str, text: str) -> None:
    """A small program on a path of its own."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def run(folder: Path, *command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a command that finds only what lies in one folder."""
    env = {"PATH": str(folder), "HOME": str(folder), **more}
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def part(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of the gate."""
    monkeypatch.syspath_prepend(str(CI))
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin == str(CI / f"{name}.py")
    return importlib.import_module(name)


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A path with a shell's own programs and nothing else."""
    for name in ("sh", "env", "cat"):
        (tmp_path / name).symlink_to(Path("/bin") / name if Path("/bin", name).exists() else Path("/usr/bin", name))
    return tmp_path


def test_without_python_the_message_says_what_to_install(shell: Path) -> None:
    done = run(shell, CI / "python", CI / "gate.py", "test")
    assert done.returncode == 2
    assert "needs Python 3.11 or newer" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr


def test_an_old_python_is_named(shell: Path) -> None:
    script(shell, "python3", '[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1')
    done = run(shell, CI / "python", CI / "gate.py", "test")
    assert done.returncode == 2
    assert "found: Python 3.9.2" in done.stderr


def test_without_cargo_and_compiler_both_are_asked_for_at_once(shell: Path) -> None:
    done = run(shell, sys.executable, CI / "gate.py", "demo")
    assert done.returncode == 2
    assert "cargo (Rust 1.88 or newer) was not found" in done.stderr
    assert "a C compiler (cc) was not found" in done.stderr
    assert "apt-get install gcc" in done.stderr


def test_an_old_cargo_is_named_with_the_version_that_is_wanted(shell: Path) -> None:
    script(shell, "cargo", 'echo "cargo 1.70.0 (ec8a8a0ca 2023-04-25)"')
    script(shell, "cc", "echo cc 12")
    done = run(shell, sys.executable, CI / "gate.py", "test")
    assert done.returncode == 2
    assert "Rust 1.88 or newer is needed, found `cargo 1.70.0" in done.stderr
    assert "C compiler" not in done.stderr


def test_a_missing_component_is_asked_for_by_name(shell: Path) -> None:
    script(shell, "cargo", '[ "$1" = --version ] && echo "cargo 1.95.0" && exit 0\nexit 1')
    script(shell, "cc", "echo cc 12")
    done = run(shell, sys.executable, CI / "gate.py", "test")
    assert done.returncode == 2
    assert "rustup component add clippy" in done.stderr
    assert "rustup component add rustfmt" in done.stderr


def test_two_versions_of_an_arrow_crate_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    checks, steps = part("checks", monkeypatch), part("steps", monkeypatch)

    def outcome(text: str) -> object:
        return steps.Outcome(0, text, Path("log"), 0.0)

    assert checks.two_versions(outcome("arrow v59.3.2\narrow-schema v59.3.2 (*)\nserde v1.0.0\n")) is None
    assert "arrow-schema v59.3.2 and v60.0.0" in checks.two_versions(
        outcome("arrow-schema v59.3.2\narrow-schema v60.0.0\n")
    )
    assert "no arrow crate" in checks.two_versions(outcome("serde v1.0.0\n"))


def test_the_runners_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    count, steps = part("count", monkeypatch), part("steps", monkeypatch)

    def outcome(text: str) -> object:
        return steps.Outcome(0, text, Path("log"), 0.0)

    nextest = "     Summary [   1.2s] 12 tests run: 10 passed (1 slow), 2 failed, 3 skipped\n"
    assert str(count.nextest(outcome(nextest))) == "10 passed, 2 failed, 0 skipped"
    left = "skipped: no market data\n     Summary [ 0.2s] 2 tests run: 2 passed, 0 skipped\n"
    assert str(count.nextest(outcome(left))) == "1 passed, 0 failed, 1 skipped"
    one, other = "ok. 3 passed; 0 failed; 1 ignored", "FAILED. 1 passed; 2 failed; 0 ignored"
    cargo = f"test result: {one}; 0 measured\ntest result: {other}\n"
    assert str(count.cargo(outcome(cargo))) == "4 passed, 2 failed, 1 skipped"


def test_a_planted_bug_must_be_named_by_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    checks, steps = part("checks", monkeypatch), part("steps", monkeypatch)

    def caught(status: int, text: str) -> str | None:
        named = ("legacy_bot.scan:decide", ".side")
        return checks.caught(steps.Outcome(status, text, Path("log"), 0.0), named)

    found = (
        "the planted bug was found: legacy_bot.scan:dec\nide $[3].side, legacy 'Buy', Rust 'Sell' (exit 1, as it must)"
    )
    assert "unnoticed" in caught(0, "EQUAL")
    assert "broke" in caught(1, f"Traceback (most recent call last)\n{found}")
    assert "broke" in caught(3, "too little happened")
    assert "does not name .side" in caught(1, f"a bug is planted: .side\n{found.replace('.side', '')}")
    assert "does not name" in caught(1, "NOT EQUAL (1)\n  legacy_bot.scan:decide $[3].side")
    assert caught(1, found) is None


def test_days_and_plants_that_do_not_exist_are_refused_before_anything_is_built(shell: Path) -> None:
    for name, value, said in (
        ("DAYS", "x", "1 to 13"),
        ("DAYS", "14", "1 to 13"),
        ("PLANT", "ticks", "tick, side, drop"),
    ):
        for program in (CI / "gate.py", ROOT / "examples" / "demo" / "demo.py"):
            done = run(shell, sys.executable, program, *["demo"][: program.name == "gate.py"], **{name: value})
            assert done.returncode == 2, (program, done.stderr)
            assert f"{name}={value} is " in done.stderr
            assert said in done.stderr
            assert "Traceback" not in done.stderr


def test_a_planted_bug_is_told_in_one_sentence_with_unit_path_and_both_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "demo"))
    demo = importlib.import_module("demo")
    first = {"path": "on_quote: $.bid_close", "legacy": "1.39296", "candidate": "1.39297"}
    unit = {"unit": "legacy_bot.bars:TickBars", "verdict": "FAIL", "examples": [first]}
    said = demo.planted("tick", {"units": [unit]})
    assert said == "legacy_bot.bars:TickBars on_quote: $.bid_close, legacy 1.39296, Rust 1.39297"
    assert len(demo.planted("tick", {"units": [unit | {"examples": [first | {"legacy": "x" * 5000}]}]})) < 200
    assert demo.planted("side", {"units": [unit]}) is None, "another unit that differs is not the planted bug"
    assert demo.planted("tick", {"units": [unit | {"verdict": "PASS"}]}) is None


def test_a_step_is_named_when_it_starts_so_that_a_log_is_not_silent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = part("steps", monkeypatch)
    monkeypatch.setattr(steps, "LOGS", tmp_path)
    seen: list[str] = []
    monkeypatch.setattr(
        steps.Run, "call", lambda *_, **__: seen.append(capsys.readouterr().out) or steps.Outcome(0, "", tmp_path, 0.1)
    )
    assert steps.Run().step("build the wheel", ["true"])
    assert seen == ["  …       build the wheel\n"]


def test_lines_of_tests_do_not_count_as_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    covered = part("covered", monkeypatch)
    assert covered.TESTS.search("rust/market/src/bars/tests.rs")
    assert covered.TESTS.search("tests_rs/src/lib.rs")
    assert not covered.TESTS.search("rust/market/src/contests.rs")


def test_documents_alone_do_not_rename_the_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = part("environment", monkeypatch)
    assert "docs" not in environment.SOURCES
    assert {"rust", "python", "Cargo.lock"} <= set(environment.SOURCES)
