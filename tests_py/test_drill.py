"""The rollback drill: a real rollback of every process, measured, and put back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from commands import environment
from desk import Gate, desk, lines, stands
from exuvia.errors import MigrateError
from exuvia.migrate import config as configuration
from exuvia.migrate.modes import drill, overlays
from exuvia.migrate.modes import journal as modes
from running_bot import PRICE, SHIM, Bot, bots, in_rust, posix

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


__all__ = ["bots"]


@posix
def test_a_drill_measures_a_real_rollback_of_every_process_and_puts_it_back(
    tmp_path: Path, bots: Callable[[Path], Bot]
) -> None:
    config = in_rust(tmp_path)
    running = [bots(tmp_path) for _ in range(3)]
    assert [bot.price() for bot in running] == [-1.0] * 3
    done = drill.drill(config, PRICE, judge=Gate())
    assert (done.verdict, done.put_back, len(done.processes)) == ("PASS", True, 3), done
    assert {int(name.rpartition(":")[2]) for name in done.processes} == {bot.process.pid for bot in running}
    assert done.longest_s is not None
    assert 0.0 < done.longest_s < 3.0
    assert done.longest_s == max(took for took in done.processes.values() if took is not None)
    entry = lines(config)[-1]
    assert (entry["kind"], entry["outcome"], entry["f"], entry["from"]) == ("drill", "PASS", {PRICE: "f1"}, "rust")
    assert entry["longest_s"] == done.longest_s
    assert stands(config, PRICE) == "rust"
    for bot in running:
        bot.until(-1.0)


@posix
def test_a_process_that_does_not_follow_fails_the_drill_and_the_group_stays_in_legacy(
    tmp_path: Path, bots: Callable[[Path], Bot]
) -> None:
    config = in_rust(tmp_path)
    good, stopped = bots(tmp_path), bots(tmp_path)
    assert (good.price(), stopped.price()) == (-1.0, -1.0)
    os.kill(stopped.process.pid, signal.SIGSTOP)
    try:
        done = drill.drill(config, PRICE, timeout_s=3.0, judge=Gate())
    finally:
        os.kill(stopped.process.pid, signal.SIGCONT)
    assert (done.verdict, done.put_back) == ("FAIL", False)
    assert [int(name.rpartition(":")[2]) for name, took in done.processes.items() if took is None] == [
        stopped.process.pid
    ]
    assert stands(config, PRICE) == "legacy"
    assert good.price() == 1.25


@posix
@pytest.mark.parametrize(("mode", "share"), [("canary", "1e-9"), ("canary", "1.0"), ("shadow", "1.0")])
def test_a_drill_in_which_the_candidate_served_nothing_is_inconclusive_and_rolls_nothing_back(
    tmp_path: Path, bots: Callable[[Path], Bot], mode: str, share: str
) -> None:
    config = desk(tmp_path)
    (tmp_path / "shim.py").write_text(SHIM.replace("-1.0", "1.25"))
    config.path.write_text(config.path.read_text().replace("key =", f"share = {share}\nkey ="))
    config = configuration.load(config.path)
    for unit in config.units if mode == "canary" else ():
        modes.append(config.evidence, unit, "canary", "for the test")
    bot, before = bots(tmp_path), len(lines(config))
    if mode == "canary":
        idle = drill.drill(config, PRICE, judge=Gate())
        assert (idle.verdict, "no call came since bot:price stands in canary" in idle.why) == ("INCONCLUSIVE", True)
    assert [bot.price() for _ in range(30)] == [1.25] * 30
    end = time.monotonic() + 10.0
    while not drill._calls(config, config.group_of(PRICE)).total() and time.monotonic() < end:
        time.sleep(0.05)
    done = drill.drill(config, PRICE, judge=Gate())
    if (mode, share) == ("canary", "1.0"):
        assert (done.verdict, done.put_back) == ("PASS", True), done
        return
    said = {"canary": "served none of 30 calls since bot:price stands in canary", "shadow": "drill in canary or rust"}
    assert (done.verdict, done.put_back, said[mode] in done.why) == ("INCONCLUSIVE", False, True), done
    assert mode == "shadow" or "raise share (1e-09 now)" in done.why
    assert (stands(config, PRICE), len(lines(config))) == (mode, before)


def test_a_drill_without_a_process_measures_nothing_and_rolls_nothing_back(tmp_path: Path) -> None:
    config = in_rust(tmp_path, 'kill_file = "STOP"')
    done = drill.drill(config, PRICE, judge=Gate())
    assert (done.verdict, "no process runs" in done.why, stands(config, PRICE)) == ("INCONCLUSIVE", True, "rust")
    overlays.freeze(config, "audit")
    assert "could not be put back" in drill.drill(config, PRICE, judge=Gate()).why
    assert stands(config, PRICE) == "rust"
    modes.append(config.evidence, PRICE, "legacy", "x")
    with pytest.raises(MigrateError, match="nothing to roll back"):
        drill.drill(config, PRICE, judge=Gate())


@posix
def test_what_someone_rolls_back_in_the_middle_of_a_drill_is_not_put_back(
    tmp_path: Path, bots: Callable[[Path], Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = in_rust(tmp_path)
    assert bots(tmp_path).price() == -1.0
    real = drill._measure

    def meddled(*given: Any, **more: Any) -> None:
        real(*given, **more)
        modes.append(config.evidence, PRICE, "legacy", "for real")

    monkeypatch.setattr(drill, "_measure", meddled)
    done = drill.drill(config, PRICE, judge=Gate())
    assert (done.verdict, done.put_back, "meanwhile" in done.why) == ("PASS", False, True)
    assert stands(config, PRICE) == "legacy"


LAZY = """
import time
import exuvia.migrate
exuvia.migrate.install()
{imports}
print("up", flush=True)
end = time.monotonic() + 60
while time.monotonic() < end:
    {call}
    time.sleep(0.005)
"""


@posix
@pytest.mark.parametrize("stopped", [False, True])
def test_a_process_that_never_imported_one_unit_serves_legacy_for_it_and_fails_no_drill(
    tmp_path: Path, *, stopped: bool
) -> None:
    config = desk(tmp_path)
    (tmp_path / "other.py").write_text((tmp_path / "bot.py").read_text())
    text = config.path.read_text().replace('"bot:size"', '"other:size"').replace("key =", "share = 1.0\nkey =")
    config.path.write_text(f'{text}[group.both]\nunits = ["bot:price", "other:size"]\n')
    config = configuration.load(config.path)
    modes.append(config.evidence, "both", "canary", "for the test", units=[PRICE, "other:size"])
    programs = [("import bot", "bot.price('a', 1)"), ("", "pass")]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", LAZY.format(imports=imports, call=call)],
            cwd=tmp_path, env=environment(PYTHONPATH=str(tmp_path)), stdout=subprocess.PIPE, text=True,
        )
        for imports, call in programs
    ]  # fmt: skip
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
        end = time.monotonic() + 10.0
        while not drill._calls(config, config.groups["both"])["candidate_calls"] and time.monotonic() < end:
            time.sleep(0.05)
        if stopped:
            os.kill(running[0].pid, signal.SIGSTOP)
        done = drill.drill(config, "both", timeout_s=6.0, judge=Gate(f={PRICE: "f1", "other:size": "f2"}))
    finally:
        for process in running:
            os.kill(process.pid, signal.SIGCONT)
            process.kill()
            process.communicate()
    if stopped:
        # What it does serve from the candidate is measured as before.
        assert (done.verdict, done.put_back) == ("FAIL", False), done
        return
    assert (done.verdict, done.put_back, len(done.processes)) == ("PASS", True, 2), done
    assert "has not taken up other:size: legacy serves that there in any case" in done.why
    assert "has not taken up bot:price, other:size" in done.why
