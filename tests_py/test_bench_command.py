"""`exuvia bench`: two arms in turns, an interval, a verdict; an arm that fails proves nothing."""

from __future__ import annotations

import hashlib
import json
import math
import random
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from commands import environment, exuvia
from exuvia.errors import MigrateError
from exuvia.migrate import load
from exuvia.migrate.evidence import aside
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.worth import arms, bench
from exuvia.migrate.worth.arms import Arm, ArmRun
from exuvia.migrate.worth.interval import ratio, student
from test_cli import configure, project

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["project"]

QUICK = "python -S -c 'print(1)'"


ARMS = """
def nothing():
    pass
def raises():
    return 1 / 0
async def awaited():
    raise ValueError("late")
async def awaits_nothing():
    pass
def yields():
    yield 1
    raise ValueError("at the end")
async def yields_async():
    yield 1
    raise ValueError("at the end")
def returned():
    return ValueError("x")
async def returned_async():
    return ValueError("x")
async def nested():
    return awaited()
async def good():
    import asyncio
    await asyncio.sleep(0.01)
    return 7
def items():
    yield from (1, 2)
"""


def test_a_much_faster_arm_passes_and_both_memories_are_known(tmp_path: Path) -> None:
    slow = "python -S -c 'import time; x = bytearray(60_000_000); time.sleep(0.1); print(1)'"
    done = exuvia(tmp_path, "bench", "--before", slow, "--after", QUICK, "--faster", "50", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (0, "PASS"), found
    assert found["speedup"]["low"] > 1.5
    assert found["arms"]["before"]["peak_bytes"] - found["arms"]["after"]["peak_bytes"] > 50_000_000
    assert len(found["arms"]["after"]["wall_s"]) == 10
    assert found["same_output"] is True
    shown = exuvia(tmp_path, "bench", "--before", QUICK, "--after", slow, "--faster", "50")
    assert (shown.returncode, "FAIL: not at least 50.0% faster" in shown.stdout) == (1, True), shown


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        ("python -S -c 'raise ValueError(7)'", "ended with 1: ValueError: 7"),
        ("python -S -c 'import sys; print(1); sys.exit(3)'", "ended with 3"),
        ("python -S -c 'import os; os.abort()'", "ended by signal 6"),
        ("python -S -c '1'", "returned nothing"),
        ("py:arm:nothing", "ended with 1: returned None"),
        ("py:arm:raises", "ZeroDivisionError"),
        ("py:arm:awaited", "ended with 1: ValueError: late"),
        ("py:arm:awaits_nothing", "ended with 1: returned None"),
        ("py:arm:yields", "ended with 1: ValueError: at the end"),
        ("py:arm:yields_async", "ended with 1: ValueError: at the end"),
        ("py:arm:returned", "returned an exception instead of raising it: ValueError('x')"),
        ("py:arm:returned_async", "returned an exception instead of raising it: ValueError('x')"),
        ("py:arm:nested", "which is still to be run"),
        ("python -S -c 'import time; time.sleep(9)'", "did not end within 1 s"),
    ],
)
def test_an_arm_that_fails_or_returns_nothing_fails_the_run(tmp_path: Path, arm: str, said: str) -> None:
    (tmp_path / "arm.py").write_text(ARMS)
    done = exuvia(tmp_path, "bench", "--before", QUICK, "--after", arm, "--timeout", "1", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"], found["speedup"]) == (1, "FAIL", None)
    assert said in found["reason"]
    assert "'after'" in found["reason"]
    assert not list(tmp_path.glob(".exuvia-bench*"))


def test_an_async_arm_is_run_to_its_end_and_what_yields_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "arm.py").write_text(ARMS)
    done = exuvia(
        tmp_path, "bench", "--before", "py:arm:good", "--after", "python -S -c 'print(7, end=\"\")'", "--json"
    )
    found = json.loads(done.stdout)
    assert (found["same_output"], len(found["arms"]["before"]["wall_s"])) == (True, 10), found
    assert min(found["arms"]["before"]["wall_s"]) > 0.01
    done = exuvia(
        tmp_path, "bench", "--before", "py:arm:items", "--after", "python -S -c 'print([1, 2], end=\"\")'", "--json"
    )
    assert json.loads(done.stdout)["same_output"] is True


def test_an_artefact_must_be_written_in_this_very_run(tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("stale")
    done = exuvia(tmp_path, "bench", "--before", QUICK, "--after", QUICK, "--artefact", "*.txt")
    assert (done.returncode, "wrote no *.txt in this run" in done.stdout) == (1, True)
    empty = 'python -S -c \'open("out.txt", "w")\''
    done = exuvia(tmp_path, "bench", "--before", empty, "--after", empty, "--artefact", "*.txt")
    assert (done.returncode, "without anything in it" in done.stdout) == (1, True)


def test_what_an_arm_sees_under_exuvia_is_kept_out_of_the_evidence_and_changes_no_verdict(project: Path) -> None:
    assert exuvia(project, "run", "-m", "prog").returncode == 0
    (project / "tmp").mkdir()
    before = exuvia(project, "status", "--json").stdout
    kept = {path.name: path.read_bytes() for path in (project / "evidence").glob("*.seg")}
    # The candidate differs where PLANT is set: on record that would fail the unit for good.
    arm = f"{sys.executable} -m exuvia run -m prog 10"
    done = subprocess.run(
        [sys.executable, "-m", "exuvia", "bench", "--before", arm, "--after", arm, "--change", "9000"],
        cwd=project,
        env=environment(PLANT="1", TMPDIR=str(project / "tmp")),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, "PASS: less than" in done.stdout) == (0, True), done
    assert {path.name: path.read_bytes() for path in (project / "evidence").glob("*.seg")} == kept
    assert exuvia(project, "status", "--json").stdout == before
    assert not list((project / "tmp").iterdir()), "the runs' own evidence goes with them"


def test_an_arm_runs_in_the_modes_of_the_project_and_is_observed(project: Path) -> None:
    configure(project, mode="rust", rehearsal="false")
    seen = (
        "import exuvia.migrate as m, bot, pathlib; m.install(); [bot.price(n) for n in range(20)]; "
        "[s] = m.status(); print(s.mode, s.counts['compared'], len(list(pathlib.Path('evidence').glob('*.seg'))))"
    )
    (project / "arm.py").write_text(seen)
    modes.append(load(project / "exuvia.toml").evidence, "bot:price", "shadow", "for the test")
    arm = arms.Arm("before", (sys.executable, "arm.py"))
    ran = arms.run(arm, project, 60.0)
    assert ran.failure is None
    assert ran.digest == hashlib.sha256(b"shadow 20 0\n").hexdigest()


def test_a_folder_of_a_bench_that_is_over_takes_no_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(aside.VARIABLE, str(tmp_path / "gone"))
    assert aside.written_to(tmp_path) == tmp_path
    monkeypatch.setenv(aside.VARIABLE, str(tmp_path))
    assert aside.written_to(tmp_path / "evidence") == tmp_path


def test_arms_that_differ_in_their_output_fail_if_asked(tmp_path: Path) -> None:
    other = "python -S -c 'print(2)'"
    done = exuvia(tmp_path, "bench", "--before", QUICK, "--after", other, "--same-output", "--change", "9000")
    assert (done.returncode, "same bytes" in done.stdout) == (1, True)


def test_what_a_user_gets_wrong_is_said(tmp_path: Path) -> None:
    for words, said in (
        (("--before", QUICK, "--after", QUICK, "--runs", "9"), "at least 10"),
        (("--before", "", "--after", QUICK), "is empty"),
        (("--before", "no-such-program x", "--after", QUICK), "no program 'no-such-program'"),
        (("--before", "python 'x", "--after", QUICK), "No closing quotation"),
        (("--before", QUICK, "--after", QUICK, "--change", "-1"), "above zero"),
        (("--before", QUICK), "required: --after"),
    ):
        done = exuvia(tmp_path, "bench", *words)
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), (words, done)


def arms_of(monkeypatch: pytest.MonkeyPatch, before: list[float], after: list[float]) -> list[str]:
    """Puts made times in place of processes; returns the order in which arms ran."""
    order: list[str] = []
    times = {"before": iter(before), "after": iter(after)}

    def made(arm: Arm, _folder: Any, _timeout: float) -> ArmRun:
        order.append(arm.name)
        seconds = next(times[arm.name])
        return ArmRun(seconds, seconds, 1, digest="x")

    monkeypatch.setattr(bench.arms, "run", made)
    return order


def judge(bound: bench.Bound, warm_up: int = 0) -> bench.Bench:
    one, other = Arm("before", ("x",)), Arm("after", ("x",))
    return bench.compare(one, other, None, 10, bound, warm_up)


def test_the_bound_is_judged_by_the_interval_not_by_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    wobble = [1.0 + 0.001 * (n % 3) for n in range(10)]
    cases = [
        (wobble, wobble[::-1], bench.Bound(0.02), "PASS"),
        (wobble, [x * 1.05 for x in wobble], bench.Bound(0.02), "FAIL"),
        (wobble, [x * 0.95 for x in wobble], bench.Bound(0.02), "FAIL"),
        (wobble, [x * (1.2 if n % 2 else 0.85) for n, x in enumerate(wobble)], bench.Bound(0.02), "INCONCLUSIVE"),
        (wobble, [x / 1.3 for x in wobble], bench.Bound(None, 0.2), "PASS"),
        (wobble, [x / 1.1 for x in wobble], bench.Bound(None, 0.2), "FAIL"),
        (wobble, [x / (1.0 if n % 2 else 1.5) for n, x in enumerate(wobble)], bench.Bound(None, 0.2), "INCONCLUSIVE"),
    ]
    for before, after, bound, verdict in cases:
        arms_of(monkeypatch, before, after)
        assert judge(bound).verdict == verdict, (bound, verdict)


def test_arms_run_in_turns_and_the_first_one_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    order = arms_of(monkeypatch, [1.0] * 11, [1.0] * 11)
    judge(bench.Bound(), warm_up=1)
    pairs = [tuple(order[at : at + 2]) for at in range(0, len(order), 2)]
    assert all(set(pair) == {"before", "after"} for pair in pairs)
    assert len({pair[0] for pair in pairs}) == 2


def test_the_interval_holds_the_truth_in_about_95_of_100_cases() -> None:
    stream, held = random.Random(11), 0
    for _ in range(2000):
        base = [math.exp(stream.gauss(0, 0.2)) for _ in range(10)]
        other = [x / 1.3 * math.exp(stream.gauss(0, 0.05)) for x in base]
        _, low, high = ratio(base, other)
        held += low <= 1.3 <= high
    assert 0.935 < held / 2000 < 0.965


def test_students_quantiles_are_those_of_the_tables() -> None:
    assert [round(student(n), 3) for n in (1, 9, 30, 40, 60, 120)] == [12.706, 2.262, 2.042, 2.021, 2.0, 1.98]
    assert statistics.fmean([1.0]) == ratio([1.0], [1.0])[0]
    with pytest.raises(MigrateError, match="at least 10"):
        bench.compare(Arm("a", ()), Arm("b", ()), None, 3)
