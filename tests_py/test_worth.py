"""`exuvia worth`: compute, wait and sleep told apart, and the verdicts that follow."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from commands import exuvia, python
from exuvia.errors import MigrateError
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.worth import cover, profiles
from exuvia.migrate.worth.sampler import Sampler
from exuvia.migrate.worth.source import find_unit

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = """
import socket, time, threading

def compute(n):
    total = 0
    for i in range(n):
        total += i * i % 7
    return total

def fast(n):
    return compute.__defaults__ or sum(i * i % 7 for i in range(n % 7)) + compute_table(n)

def compute_table(n):
    return 0

def waits(end):
    return end.recv(1)

def sleeps():
    time.sleep(0.03)

def idle(n):
    return n

def nobody():
    return 1

def imported_only():
    return 2

def rows(frame):
    return [frame.iloc[i] for i in range(3)]
"""
PROGRAM = """
import socket, sys, threading, time
from lib import compute, idle, imported_only, sleeps, waits

def main():
    ours, theirs = socket.socketpair()
    def feed():
        while True:
            time.sleep(0.02)
            ours.send(b"x")
    threading.Thread(target=feed, daemon=True).start()
    for _ in range(8):
        compute(120_000)
        theirs.setblocking(True)
        while True:
            theirs.setblocking(False)
            try:
                theirs.recv(100)
            except BlockingIOError:
                break
        theirs.setblocking(True)
        waits(theirs)
        sleeps()
        idle(3)
    print("done", sys.argv[1:])

main()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lib.py").write_text(LIBRARY)
    (tmp_path / "prog.py").write_text(PROGRAM)
    return tmp_path


def by_name(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {unit["unit"].partition(":")[2]: unit for unit in answer["units"]}


def test_a_run_tells_compute_wait_and_sleep_apart_and_judges_each_unit(project: Path) -> None:
    named = ("compute", "waits", "sleeps", "idle", "nobody", "imported_only")
    asked = [word for name in named for word in ("--unit", f"lib:{name}")]
    done = exuvia(project, "worth", *asked, "--json", "-o", "worth.json", "prog.py", "--json", "mine")
    assert (done.returncode, done.stdout) == (0, "done ['--json', 'mine']\n"), done.stderr
    units = by_name(json.loads((project / "worth.json").read_text()))
    compute, waits, sleeps = (units[name] for name in ("compute", "waits", "sleeps"))
    assert compute["compute_s"] > 5 * (compute["wait_s"] + compute["sleep_s"])
    assert waits["wait_s"] > 5 * (waits["compute_s"] + waits["sleep_s"])
    assert sleeps["sleep_s"] > 5 * (sleeps["compute_s"] + sleeps["wait_s"])
    assert 0.15 < sleeps["sleep_s"] < 0.6
    assert compute["verdict"] == "migrate"
    assert compute["gain_is"] == "at most"
    assert waits["verdict"] == sleeps["verdict"] == "no: it waits"
    assert units["idle"]["verdict"] == "no: under 2 %"
    assert units["nobody"]["verdict"] == "delete instead"
    assert units["imported_only"]["verdict"] == "no: nobody calls it"
    assert [compute["calls"], units["nobody"]["calls"]] == [8, 0]
    assert compute["importers"] == ["prog.py"]


def test_a_verdict_is_put_on_record_for_the_steps_where_it_is_asked(project: Path) -> None:
    config = project / "exuvia.toml"
    config.write_text('[unit."lib:compute"]\ncandidate = "lib:idle"\neffect = "pure"\n')
    config.chmod(0o600)
    asked = ("--unit", "lib:compute", "--unit", "lib:waits", "--record", "prog.py")
    assert exuvia(project, "worth", *asked).returncode == 0
    (entry,) = modes.read(project / "evidence").lines
    assert (entry["kind"], entry["unit"], entry["verdict"]) == ("worth", "lib:compute", "migrate")
    config.write_text('[unit."lib:waits"]\ncandidate = "lib:idle"\neffect = "pure"\n')
    told = exuvia(project, "worth", "--unit", "lib:waits", "--record", "prog.py")
    assert told.returncode == 0, "a verdict was recorded, whatever it is"
    assert modes.read(project / "evidence").lines[-1]["verdict"] == "no: it waits"
    assert exuvia(project, "worth", "--unit", "lib:waits", "prog.py").returncode == 1
    config.unlink()
    assert "--record needs a configuration" in exuvia(project, "worth", *asked).stderr


def test_without_units_the_hot_functions_of_the_project_are_judged(project: Path) -> None:
    done = exuvia(project, "worth", "prog.py")
    assert done.returncode == 0, done.stderr
    assert "lib:compute" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines() if line.startswith(("unit", "lib:compute  "))) <= 100


@pytest.mark.parametrize("words", [("-m", "bot"), ("prog.py",)])
def test_the_program_itself_is_not_proposed_but_its_own_compute_is_said(project: Path, words: tuple[str, ...]) -> None:
    text = (
        "from lib import compute\ndef main():\n    total = 0\n    for i in range(3_000_000):\n        total += i * i\n"
    )
    text += "    compute(900_000)\nmain()\n"
    (project / "bot").mkdir()
    (project / "bot" / "__init__.py").touch()
    for name in ("bot/__main__.py", "prog.py"):
        (project / name).write_text(text)
    done = exuvia(project, "worth", "--json", "-o", "w.json", *words)
    assert done.returncode == 0, done.stderr
    found = json.loads((project / "w.json").read_text())
    assert [unit["unit"] for unit in found["units"]] == ["lib:compute"]
    (note,) = [note for note in found["notes"] if "main itself" in note]
    assert "a function of its own module" in note


def test_a_candidate_is_timed_on_the_calls_that_were_seen(project: Path) -> None:
    (project / "shim.py").write_text("def compute(n):\n    return 0\ndef slow(n):\n    import lib\n    return 1 / 0\n")
    done = exuvia(project, "worth", "--candidate", "lib:compute=shim:compute", "--json", "-o", "w.json", "prog.py")
    assert done.returncode == 0, done.stderr
    unit = by_name(json.loads((project / "w.json").read_text()))["compute"]
    assert unit["gain_is"] == "predicted"
    assert unit["speedup"] > 10
    assert "in turns" in unit["measured"]
    exuvia(project, "worth", "--candidate", "lib:compute=shim:slow", "--json", "-o", "w.json", "prog.py")
    unit = by_name(json.loads((project / "w.json").read_text()))["compute"]
    assert (unit["speedup"], "raises ZeroDivisionError" in unit["measured"]) == (None, True)


def test_short_calls_between_waits_are_timed_by_the_clock_not_guessed_by_samples(project: Path) -> None:
    (project / "prog.py").write_text(
        "import socket, time\nfrom lib import compute\na, b = socket.socketpair()\nspent = time.thread_time()\n"
        "for _ in range(3000):\n    compute(300)\n    a.send(b'x')\n    b.recv(1)\n"
        "spent = time.thread_time()\nfor _ in range(3000):\n    compute(300)\nprint(time.thread_time() - spent)\n"
    )
    done = exuvia(project, "worth", "--unit", "lib:compute", "--json", "-o", "w.json", "prog.py")
    assert done.returncode in (0, 1), done.stderr
    unit = by_name(json.loads((project / "w.json").read_text()))["compute"]
    assert unit["compute_s"] == pytest.approx(2 * float(done.stdout), rel=0.4)
    assert unit["calls"] == 6000


def test_the_speed_of_a_candidate_that_ran_in_shadow_is_taken_from_the_evidence(project: Path) -> None:
    # Half as fast, so that no noise can make it look worth the while.
    (project / "shim.py").write_text(
        "import lib\nfrom exuvia.migrate import original\nslow = original(lib.compute)\n"
        "def compute(n):\n    slow(n)\n    return slow(n)\n"
    )
    (project / "exuvia.toml").write_text(
        '[unit."lib:compute"]\ncandidate = "shim:compute"\neffect = "pure"\nmode = "shadow"\nisolation = "thread"\n'
        'override = "only a test"\n'
    )
    (project / "exuvia.toml").chmod(0o600)
    profile = write_profile(project)
    assert exuvia(project, "promote", "lib:compute", "--to", "shadow").returncode == 0
    assert exuvia(project, "run", "prog.py").returncode == 0
    found = by_name(json.loads(exuvia(project, "worth", "--profile", profile.name, "--json").stdout))["compute"]
    assert "measured in shadow: 8 calls" in found["measured"], found
    assert 0.2 < found["speedup"] < 0.9, found
    assert found["verdict"] == "no: under 2 %", found
    (project / "shim.py").write_text("def compute(n):\n    return 0\n")
    assert exuvia(project, "run", "prog.py").returncode == 0
    found = by_name(json.loads(exuvia(project, "worth", "--profile", profile.name, "--json").stdout))["compute"]
    assert (found["speedup"], "differs" in found["measured"]) == (None, True)


def test_units_are_counted_where_they_stand_and_put_back_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "counted_lib.py").write_text(
        "class Book:\n    def __init__(self):\n        self.n = 0\n"
        "    def add(self, n):\n        return self.twice(n)\n"
        "    def twice(self, n):\n        return sum(range(n))\n"
        "def f(n):\n    return n if n < 1 else f(n - 1)\nasync def later():\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import counted_lib
    from exuvia.migrate.worth.counting import Counting

    before = counted_lib.f.__code__, counted_lib.Book.add
    names = ["counted_lib:Book", "counted_lib:f", "counted_lib:later", "counted_lib:nope", "counted_lib", "nolib:x"]
    with Counting(names) as counting:
        counted_lib.Book().add(200_000)
        counted_lib.f(50)
    book, function = counting.units["counted_lib:Book"], counting.units["counted_lib:f"]
    assert (book.calls, function.calls) == (3, 51)
    assert 0 < book.cpu_s <= book.wall_s * 1.5
    assert len(function.kept) == 30
    assert (counted_lib.f.__code__, counted_lib.Book.add) == before
    for name in names[3:]:
        assert counting.units[name].problem


def test_what_a_user_gets_wrong_is_said_without_a_traceback(project: Path) -> None:
    for words, said in (
        (("--unit", "lib:nope", "prog.py"), "defines no 'nope'; it has compute"),
        (("--unit", "nolib:x", "prog.py"), "no module 'nolib'"),
        ((), "name a program"),
        (("--profile", "none.raw"), "cannot be read"),
        (("--profile", "lib.py"), "neither collapsed stacks"),
        (("--candidate", "x", "prog.py"), "write it as"),
        (("--every", "0", "prog.py"), "above zero"),
    ):
        done = exuvia(project, "worth", *words)
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), (words, done)


def test_a_program_that_fails_is_an_error_whatever_its_times(project: Path) -> None:
    (project / "prog.py").write_text("import sys, lib\nlib.compute(200_000)\nsys.exit(4)\n")
    done = exuvia(project, "worth", "--unit", "lib:compute", "prog.py")
    assert (done.returncode, "ended with 4" in done.stderr) == (2, True)


def test_the_sampler_takes_little_and_puts_the_switch_interval_back() -> None:
    before = sys.getswitchinterval()
    with Sampler(every_s=0.002) as sampler:
        total = sum(i * i for i in range(1_500_000))
    assert total
    assert sys.getswitchinterval() == before
    profile = sampler.profile()
    assert sampler.overhead < 0.1 * profile.wall + 0.05
    assert profile.cpu is not None
    assert profile.total("compute") > 0.5 * profile.cpu


FEEDER = """\
    import os
    if os.fork() == 0:
        theirs.close()
        try:
            feed()  # until the program has ended
        finally:
            os._exit(0)
"""


def write_profile(project: Path, *, threads: bool = False) -> Path:
    """The program under cProfile, fed by a process: one thread is all that cProfile can tell apart everywhere."""
    if not threads:
        thread = "    threading.Thread(target=feed, daemon=True).start()\n"
        (project / "prog.py").write_text(PROGRAM.replace(thread, FEEDER))
    assert python(project, "-m", "cProfile", "-o", "run.prof", "prog.py").returncode == 0
    (project / "prog.py").write_text(PROGRAM)
    return project / "run.prof"


def test_statistics_of_cprofile_are_read_with_waiting_shared_out(project: Path) -> None:
    profile = profiles.read(write_profile(project))
    spent = {name: profile.spent(find_unit(f"lib:{name}", [project]).holds) for name in ("sleeps", "waits", "compute")}
    assert spent["sleeps"]["MainThread"]["sleep"] > 0.2 > spent["sleeps"]["MainThread"]["compute"]
    assert spent["waits"]["MainThread"]["wait"] > spent["waits"]["MainThread"]["compute"]
    assert spent["compute"]["MainThread"]["sleep"] == 0
    main = profile.spent(find_unit("prog:main", [project]).holds)["MainThread"]
    assert main["sleep"] == pytest.approx(spent["sleeps"]["MainThread"]["sleep"], rel=0.05)
    done = exuvia(project, "worth", "--profile", "run.prof", "--json")
    assert by_name(json.loads(done.stdout))["compute"]["calls"] == 8


@pytest.mark.skipif(sys.version_info < (3, 12), reason="before Python 3.12 cProfile sees only its own thread")
def test_a_profile_that_mixes_threads_is_refused_with_what_gives_it_away(project: Path) -> None:
    write_profile(project, threads=True)
    done = exuvia(project, "worth", "--profile", "run.prof")
    assert done.returncode == 2
    assert re.search(r"run\.prof: .* by itself and .* mixes the calls of threads .* py-spy", done.stderr), done.stderr


def test_collapsed_stacks_and_speedscope_say_the_same(tmp_path: Path) -> None:
    raw = "main (bot/run.py:9);mean (bot/bars.py:3) 60\nmain (bot/run.py:9);sleep (bot/run.py:4) 40\n"
    (tmp_path / "a.raw").write_text(raw)
    frames = [
        {"name": "main", "file": "bot/run.py", "line": 9},
        {"name": "mean", "file": "bot/bars.py", "line": 3},
        {"name": "sleep", "file": "bot/run.py", "line": 4},
    ]
    sampled = {"type": "sampled", "name": "t", "unit": "none", "samples": [[0, 1], [0, 2]], "weights": [60, 40]}
    opened = [("O", 0, 0), ("O", 1, 0), ("C", 1, 60), ("O", 2, 60), ("C", 2, 100), ("C", 0, 100)]
    evented = {
        "type": "evented", "name": "t", "unit": "milliseconds", "startValue": 0,
        "events": [{"type": kind, "frame": frame, "at": at} for kind, frame, at in opened],
    }  # fmt: skip
    for name, one in (("s.json", sampled), ("e.json", evented)):
        (tmp_path / name).write_text(json.dumps({"shared": {"frames": frames}, "profiles": [one]}))
    shares = []
    for name in ("a.raw", "s.json", "e.json"):
        profile = profiles.read(tmp_path / name)
        shares.append((profile.total("compute") / profile.wall, profile.total("sleep") / profile.wall))
        assert profile.spent(lambda frame: frame.name == "mean")
    assert shares == [pytest.approx((0.6, 0.4))] * 3
    with pytest.raises(MigrateError, match="neither collapsed"):
        (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
        profiles.read(tmp_path / "x")


def test_a_compiled_module_that_nothing_imports_is_deleted_instead(project: Path) -> None:
    done = exuvia(project, "worth", "--unit", "exuvia._exuvia:detached_copy", "--json", "-o", "w.json", "prog.py")
    assert done.returncode == 1, done.stderr
    assert json.loads((project / "w.json").read_text())["units"][0]["verdict"] == "delete instead"


def test_calls_of_a_compiled_function_are_counted_and_timed(project: Path) -> None:
    (project / "prog.py").write_text(
        "from exuvia._exuvia import detached_copy\nfor _ in range(60):\n    detached_copy([[0.5] * 20_000])\nprint(1)\n"
    )
    done = exuvia(project, "worth", "--unit", "exuvia._exuvia:detached_copy", "--json", "-o", "w.json", "prog.py")
    unit = json.loads((project / "w.json").read_text())["units"][0]
    assert (unit["calls"], unit["importers"]) == (60, ["prog.py"]), done.stderr
    assert unit["compute_s"] > 0.001
    assert unit["objects"] > 20_000


def test_cover_is_read_from_both_files_of_the_coverage_tool(project: Path) -> None:
    (project / "t.py").write_text("import lib\nlib.compute(3)\n")
    command = [sys.executable, "-m", "coverage", "run", "--include", "lib.py", "t.py"]
    # This suite may be measured itself: its own files are not meant.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    if subprocess.run(command, cwd=project, check=False, capture_output=True, env=env).returncode:
        pytest.skip("coverage is not installed")

    def units(name: str) -> Any:
        return find_unit(f"lib:{name}", [project])

    first = cover.read(project)
    assert first is not None
    assert (first.of(units("compute")), first.of(units("sleeps"))) == (1.0, 0.0)
    command = [sys.executable, "-m", "coverage", "json", "-q"]
    subprocess.run(command, cwd=project, check=True, capture_output=True, env=env)
    second = cover.read(project)
    assert second is not None
    assert second.source.name == "coverage.json"
    assert (second.of(units("compute")), second.of(units("sleeps"))) == (1.0, 0.0)
