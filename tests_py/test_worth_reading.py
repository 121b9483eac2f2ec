"""What `exuvia worth` makes of files that are odd: of profiles, of coverage, of sources, of who names a unit."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from exuvia.errors import MigrateError
from exuvia.migrate.worth import arms, cover, face, hot, imports, profiles
from exuvia.migrate.worth.border import crosses, measure
from exuvia.migrate.worth.compiled import is_compiled
from exuvia.migrate.worth.counting import Counted
from exuvia.migrate.worth.judge import Measured, UnitWorth, judge
from exuvia.migrate.worth.source import UnitSource, files_of, find_unit
from exuvia.migrate.worth.stacks import Frame, Profile
from shadowing import until

PLAIN = "def f(x):\n    return x\n"


def test_collapsed_stacks_keep_their_threads_apart(tmp_path: Path) -> None:
    path = tmp_path / "raw"
    path.write_text(
        "thread (0x1): feed;run (m.py:1);f (m.py:2) 30\nMainThread;<frozen>;run (m.py:1) 5\nrun (m.py:1) 2\n"
    )
    profile = profiles.read(path)
    assert {thread: seconds for (_, thread, _), seconds in profile.times.items()} == {
        "thread (0x1): feed": 30.0,
        "MainThread": 7.0,
    }


def test_a_speedscope_profile_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    frames = {"shared": {"frames": []}, "profiles": [{"type": "guessed", "name": "x", "unit": "seconds"}]}
    path.write_text(json.dumps(frames))
    with pytest.raises(MigrateError, match="a profile of type 'guessed'"):
        profiles.read(path)


def test_a_profile_in_which_threads_are_mixed_is_refused_with_the_function_that_shows_it(tmp_path: Path) -> None:
    own, whole = 2.0, 1.0
    for key, shown in ((("m.py", 3, "f"), r"f \(m.py:3\)"), (("~", 0, "<built-in sleep>"), "<built-in sleep>")):
        with pytest.raises(MigrateError, match=f"{shown} took 2.000000 s by itself and 1.000000 s in all"):
            profiles._refuse_mixed(tmp_path / "p.prof", {key: (1, 1, own, whole, {})})
        profiles._refuse_mixed(tmp_path / "p.prof", {key: (1, 1, whole, own, {})})


def coverage_of(folder: Path, source: Path) -> None:
    """What the coverage tool keeps when it measures branches."""
    with sqlite3.connect(folder / ".coverage") as data:
        data.execute("create table file (id integer, path text)")
        data.execute("create table line_bits (file_id integer, numbits blob)")
        data.execute("create table arc (file_id integer, fromno integer, tono integer)")
        data.execute("insert into file values (1, ?)", [str(source)])
        data.executemany("insert into arc values (1, ?, ?)", [(-1, 2), (2, 3), (3, -1)])
    data.close()


def test_branches_say_which_lines_ran_and_a_broken_report_is_passed_over(tmp_path: Path) -> None:
    source = tmp_path / "m.py"
    source.write_text("def f(x):\n    x += 1\n    x += 2\n    x += 3\n    return x\n")
    (tmp_path / "coverage.json").write_text('{"files": {"m.py": {}}}')
    assert cover.read(tmp_path) is None
    coverage_of(tmp_path, source)
    covered = cover.read(tmp_path)
    assert covered is not None
    assert (covered.source.name, covered.of(find_unit("m:f", [tmp_path]))) == (".coverage", 0.5)


def test_what_was_not_measured_has_no_coverage(tmp_path: Path) -> None:
    for name, text in (("m", PLAIN), ("other", PLAIN), ("broken", "def f(:\n")):
        (tmp_path / f"{name}.py").write_text(text)
    covered = cover.Coverage(tmp_path / "c", {str(tmp_path / f"{name}.py"): {2} for name in ("m", "broken")})
    assert covered.of(UnitSource("m:f", tmp_path / "m.py", 1, 2)) == 1.0
    assert covered.of(UnitSource("other:f", tmp_path / "other.py", 1, 2)) is None
    assert covered.of(UnitSource("broken:f", tmp_path / "broken.py", 1, 2)) is None
    assert covered.of(UnitSource("lib:f", tmp_path / "lib.so", compiled=True)) is None
    assert covered.of(UnitSource("gone:f", None)) is None


def test_a_unit_without_a_file_holds_no_frame_and_one_that_cannot_be_parsed_says_so(tmp_path: Path) -> None:
    assert not UnitSource("gone:f", None).holds(Frame("gone.py", 1, "f"))
    (tmp_path / "broken.py").write_text("def f(:\n")
    with pytest.raises(MigrateError, match="broken.py cannot be parsed by Python"):
        find_unit("broken:f", [tmp_path])


def test_a_name_that_a_package_passes_on_from_beside_it_is_found_where_it_is_defined(tmp_path: Path) -> None:
    package = tmp_path / "pkg"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("from .deep import f\n")
    (package / "inner" / "__init__.py").write_text("")
    (package / "inner" / "front.py").write_text("from ..deep import f as g\nfrom .. import deep\n")
    (package / "deep.py").write_text(PLAIN)
    assert find_unit("pkg:f", [tmp_path]).name == "pkg.deep:f"
    with pytest.raises(MigrateError, match="defines no 'g'; it has f"):
        find_unit("pkg.inner.front:g", [tmp_path])


def test_links_and_folders_that_cannot_be_read_are_no_part_of_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.py").write_text(PLAIN)
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / "hidden.py").write_text(PLAIN)
    (tmp_path / "link.py").symlink_to(tmp_path / "m.py")
    (tmp_path / "loop").symlink_to(tmp_path)
    listed = Path.iterdir

    def iterdir(self: Path) -> Any:
        if self.name == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert files_of(tmp_path) == [tmp_path / "m.py"]
    assert files_of(tmp_path / "nowhere") == []


class Priced:
    """Plain Python all through."""

    def value(self) -> int:
        return other()

    @classmethod
    def made(cls) -> Priced:
        return cls()


def other() -> int:
    return len([Priced, Priced])


def test_a_method_in_plain_python_crosses_no_border_even_where_names_go_round() -> None:
    assert not crosses(Priced().value)
    assert not crosses(Priced.made)
    assert not crosses(Priced)


def test_what_reaches_an_extension_of_somebody_else_crosses_a_border() -> None:
    numpy = pytest.importorskip("numpy")
    mine = {"numpy": numpy, "__name__": "mine"}
    assert crosses(numpy.sum)
    assert crosses(eval("lambda values: numpy.sum(values)", mine))  # noqa: S307
    assert not crosses(eval("lambda values: sum(values)", mine))  # noqa: S307


@dataclass
class Order:
    """Two things that cross."""

    text: str
    sizes: list[float]


def test_what_crosses_in_a_dataclass_is_its_fields_and_no_nesting_is_too_deep() -> None:
    order = measure(Order("ab", [1.0, 2.0]))
    assert (order.bytes, order.objects) == (measure(["ab", [1.0, 2.0]]).bytes, measure(["ab", [1.0, 2.0]]).objects)
    deep: Any = 1.5
    for _ in range(100):
        deep = [deep]
    assert measure(deep).bytes == 0
    assert measure(deep).objects > 10


def judged(folder: Path, text: str, times: dict[str, float], **more: Any) -> UnitWorth:
    (folder / "m.py").write_text(text)
    profile = Profile("made", seconds=10.0)
    for kind, seconds in times.items():
        profile.add((Frame(str(folder / "m.py"), 2, "f"),), kind, seconds)
    profile.add((Frame("elsewhere.py", 1, "g"),), "compute", more.pop("elsewhere", 1.0))
    return judge(find_unit("m:f", [folder]), profile, imports.read(folder).users("m:f"), **more)


def test_who_names_a_unit_only_in_a_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text('JOBS = ["m:f"]\n')
    found = judged(tmp_path, PLAIN, {"compute": 5.0})
    assert found.notes == ["nobody imports it, but it is named in jobs.py"]
    assert found.verdict == "migrate"


def test_a_docstring_that_names_a_unit_is_no_use_of_it(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text('"""m:f"""\ndef g():\n    "m:f"\n    return 1\n')
    found = judged(tmp_path, PLAIN, {"compute": 5.0})
    assert (found.verdict, found.mentions, found.notes) == ("no: nobody calls it", [], [])


def test_calls_that_could_not_be_counted_say_why(tmp_path: Path) -> None:
    found = judged(tmp_path, PLAIN, {"compute": 5.0}, counted=Counted(problem="its steps are not counted"))
    assert "calls were not counted: its steps are not counted" in found.notes


def test_a_unit_that_computes_little_and_waits_much_is_said_to_wait(tmp_path: Path) -> None:
    (tmp_path / "uses.py").write_text("from m import f\n")
    found = judged(tmp_path, PLAIN, {"compute": 0.1, "wait": 4.0}, elsewhere=0.2)
    assert (found.verdict, found.why) == ("no: it waits", "98% of its time is waiting, which Rust cannot remove")


def test_a_table_that_is_gone_through_row_by_row_is_vectorised_first(tmp_path: Path) -> None:
    (tmp_path / "uses.py").write_text("from m import f\n")
    for axis in ("axis=1", "axis='columns'"):
        found = judged(tmp_path, f"def f(frame):\n    return frame.apply(str, {axis})\n", {"compute": 5.0})
        assert (found.verdict, ".apply(axis=1)" in found.why) == ("vectorise instead", True), found
    found = judged(tmp_path, "def f(frame):\n    return frame.apply(str, axis=0)\n", {"compute": 5.0})
    assert found.verdict == "migrate"


def test_a_frame_without_a_file_is_of_no_project_and_edges_begin_with_nobody(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(PLAIN)
    profile = Profile("made")
    profile.add((Frame("m.py", 2, "f"), Frame("", 0, "?")), "compute", 1.0)
    assert [found.unit for found in hot.by_profile(profile, tmp_path)] == ["m:f"]
    callee = Frame("m.py", 1, "f")
    profile.edges[None, callee], profile.splits = 2.0, {callee: {"compute": 1.0}}  # type: ignore[assignment]
    assert profile.spent(find_unit("m:f", [tmp_path]).holds) == {"MainThread": {"compute": 2.0}}


def test_sizes_are_told_in_their_unit() -> None:
    assert [face._size(amount) for amount in (5, 5e3, 5e6, 5e9, 5e12)] == ["5 B", "5 kB", "5 MB", "5 GB", "5000 GB"]


def test_a_candidate_whose_source_cannot_be_parsed_is_not_taken_for_compiled(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n")
    assert not is_compiled("broken:f", [tmp_path])
    (tmp_path / "m.py").write_text(PLAIN)
    assert not is_compiled("m", [tmp_path])


def test_an_arm_that_does_not_begin_has_failed_and_says_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arms, "_LAUNCH", "import sys; sys.exit('no room')")
    done = arms.run(arms.Arm.read("before", "python -c pass"), tmp_path, 60.0)
    assert done.failure == "could not be started: no room"
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_ends_the_arm_with_all_that_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    def interrupted(self: Any, **more: Any) -> Any:
        if not begun:
            begun.append(self.pid)
            raise KeyboardInterrupt
        return communicate(self, **more)

    communicate = subprocess.Popen.communicate
    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        arms.run(arms.Arm.read("before", "python -c 'import time; time.sleep(600)'"), tmp_path, 60.0)
    with pytest.raises(ProcessLookupError):
        os.kill(begun[0], 0)


DAEMON = """
import os, pathlib, time
if not os.fork():
    os.setsid()
    pathlib.Path("daemon.new").write_text(str(os.getpid()))
    os.rename("daemon.new", "daemon")
time.sleep(600)
"""


@pytest.mark.skipif(not hasattr(os, "setsid"), reason="sessions are POSIX")
@pytest.mark.parametrize("session", [True, False])
def test_an_arm_that_left_a_daemon_behind_is_ended_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, session: bool
) -> None:
    def gone(*_: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(arms, "END_S", 0.1 if session else 60.0)
    if not session:
        monkeypatch.setattr(os, "killpg", gone)
    (tmp_path / "arm.py").write_text(DAEMON if session else "import time\ntime.sleep(600)\n")
    process = subprocess.Popen(
        [sys.executable, "arm.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    if session:
        until((tmp_path / "daemon").exists, "the daemon did not begin")
    arms._end(process)
    assert process.returncode == -signal.SIGKILL
    if session:
        os.kill(int((tmp_path / "daemon").read_text()), signal.SIGKILL)


def test_a_measured_gain_is_named_as_such() -> None:
    worth = UnitWorth("m:f", speedup=Measured(2.0, "here").speedup)
    assert (worth.as_dict()["gain_is"], UnitWorth("m:f").as_dict()["gain_is"]) == ("predicted", "at most")
