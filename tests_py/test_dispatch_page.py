"""The control page: what a fleet of processes does when it changes, and when it is torn, gone or not ours."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
from exuvia._exuvia import ControlPage, Switch
from exuvia.errors import MigrateError
from exuvia.migrate import runtime
from exuvia.migrate.dispatch import page
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.modes import rollback
from moult import Project, project
from shadowing import Shadowed, shadowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["project", "shadowed"]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the control page is tested where files are locked")


def soon(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_both_halves_agree_on_the_layout(tmp_path: Path) -> None:
    assert ControlPage.size == page.SIZE
    control = page.Page(tmp_path)
    with control.locked():
        slots = control.take([page.digest(f"m:f{number}") for number in range(page.SLOTS)])
        for number, mode in enumerate(modes.MODES):
            control.write({slots[page.digest(f"m:f{number}")]: (mode, 1)})
    mapped = ControlPage(control.mapped)
    assert mapped.ours
    assert [mapped.read(f"m:f{number}") for number in range(5)] == [(m, n + 1) for n, m in enumerate(modes.MODES)]
    assert mapped.read("m:f9") is None, "a slot that was never written says nothing"
    assert mapped.read("m:other") is None
    with control.locked(), pytest.raises(MigrateError, match="no room"):
        control.take([page.digest("m:one-more")])


def test_a_torn_word_or_one_of_another_unit_means_legacy_at_the_next_call(tmp_path: Path) -> None:
    control = page.Page(tmp_path)
    with control.locked():
        slots = control.take([page.digest("m:f"), page.digest("m:g")])
        control.write(dict.fromkeys(slots.values(), ("rust", 1)))
    switch = Switch(lambda: "legacy", lambda: "rust", lambda: "shadow")
    assert switch.attach(ControlPage(control.mapped), "m:f")
    switch.set_mode("rust")
    assert switch.callable() == "rust"
    at = slots[page.digest("m:f")] + page.WORD
    good = control.words[at]
    for bad in (0, good ^ 1 << 45, good ^ 1, control.words[slots[page.digest("m:g")] + page.WORD]):
        control.words[at] = bad
        assert (switch.callable(), switch.mode, switch.unsettled) == ("legacy", "legacy", True)
    control.words[at] = good
    assert switch.callable() == "rust"
    with control.locked():
        control.write({slots[page.digest("m:f")]: ("shadow", 2)})
    assert switch.callable() == "shadow"
    control.close()
    assert switch.callable() == "shadow", "a switch keeps the mapping that it reads"


@pytest.mark.parametrize("spoil", ["other magic", "newer", "short", "folder", "writable"])
def test_a_page_that_is_not_ours_means_legacy_and_says_so(project: Project, spoil: str) -> None:
    path = project.folder / "evidence" / page.PAGE
    path.parent.mkdir(mode=0o700)
    if spoil == "folder":
        path.mkdir()
    elif spoil == "short":
        path.write_bytes(b"EXUVPAGE")
    else:
        page.Page(path.parent).close()
        data = bytearray(path.read_bytes())
        data[0 if spoil == "other magic" else 8] ^= 0 if spoil == "writable" else 2
        path.write_bytes(data)
        path.chmod(0o606 if spoil == "writable" else 0o600)
    project.install("mean", mode="rust")
    project.user.use([1.0])
    assert len(project.candidate.calls) == (1 if spoil == "folder" else 0)
    assert any("slow rollback" in note and page.PAGE in note for note in project.status("mean").notes)


def test_a_torn_header_is_written_anew_by_whoever_starts(project: Project) -> None:
    folder = project.folder / "evidence"
    folder.mkdir(mode=0o700)
    control = page.Page(folder)
    control.words[6] ^= 1
    assert not control.whole
    project.install("mean", mode="rust")
    assert control.whole
    assert project.status("mean").mode == "rust"
    control.words[6] ^= 1
    assert soon(lambda: project.status("mean").mode == "legacy")
    assert any("torn" in note for note in project.status("mean").notes)
    control.close()


def test_a_page_that_goes_missing_means_legacy_within_a_second(project: Project) -> None:
    project.install("mean", mode="rust")
    (project.folder / "evidence" / page.PAGE).unlink()
    assert soon(lambda: project.status("mean").mode == "legacy", 1.0)
    assert any("is gone" in note for note in project.status("mean").notes)


def test_where_memory_cannot_be_shared_the_journal_is_polled(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "unmappable", lambda folder: f"{folder} is on nfs4")
    project.install("mean", mode="rust")
    assert project.user.use([1.0]) == 3.0
    assert len(project.candidate.calls) == 1
    assert any("slow rollback" in note and "nfs4" in note for note in project.status("mean").notes)
    rollback.rollback(str(project.config), None, [], "drill")
    assert soon(lambda: project.status("mean").mode == "legacy", 2.0)


def test_the_kind_of_a_file_system_is_told_by_its_mount(tmp_path: Path) -> None:
    assert page.unmappable(tmp_path) is None
    assert page.unmappable(tmp_path / "missing") is None


def test_no_byte_of_the_page_is_a_hole(tmp_path: Path) -> None:
    page.Page(tmp_path).close()
    held = (tmp_path / page.PAGE).stat()
    assert held.st_size == page.SIZE
    assert held.st_blocks * 512 >= page.SIZE
    assert held.st_mode & 0o777 == 0o600


def test_after_a_restart_the_mode_is_what_the_journal_says(project: Project) -> None:
    project.install("mean", "orders", mode="rust")
    rollback.rollback(str(project.config), None, [project.unit("mean")], "drill")
    exuvia.migrate.uninstall()
    project.install("mean", "orders", mode="rust")
    assert (project.status("mean").mode, project.status("orders").mode) == ("legacy", "rust")
    exuvia.migrate.uninstall()
    (project.folder / "evidence" / page.PAGE).unlink()
    project.install("mean", "orders", mode="rust")
    assert (project.status("mean").mode, project.status("orders").mode) == ("legacy", "rust")


def test_a_rollback_by_journal_alone_reaches_the_page_through_any_process(project: Project) -> None:
    project.install("mean", mode="rust")
    modes.append(project.folder / "evidence", project.unit("mean"), "legacy", "without the page")
    assert soon(lambda: project.status("mean").mode == "legacy", 2.0)
    control = page.Page(project.folder / "evidence")
    assert control.read(control.scan()[page.digest(project.unit("mean"))]).mode == "legacy"
    control.close()


CHILD = """
import json, sys, time
import exuvia.migrate
from exuvia.migrate import installed
exuvia.migrate.install(sys.argv[1])
import {legacy} as legacy, {candidate} as candidate
state = exuvia.migrate.status()[0]
print(json.dumps({{"mode": state.mode}}), flush=True)
clock = time.monotonic_ns
served = candidate.calls
before, side, ends = 0, "", clock() + int(float(sys.argv[2]) * 1e9)
flips, last = [], 0
while clock() < ends:
    at = clock()
    legacy.mean([1.0])
    now = "rust" if len(served) != before else "legacy"
    before = len(served)
    if now == "rust":
        last = at
        if sys.argv[3] == "page alone":
            # From here on nothing looks at page or journal but the calls themselves.
            installed.TICK_S = 3600.0
    if now != side:
        flips.append([at, now])
        side = now
    time.sleep(0.0002)
print(json.dumps({{"flips": flips, "last": last}}), flush=True)
"""


class Child:
    def __init__(self, project: Project, seconds: float, how: str = "polling") -> None:
        text = CHILD.format(legacy=project.legacy_name, candidate=project.candidate_name)
        command = [sys.executable, "-c", text, str(project.config), str(seconds), how]
        environment = os.environ | {"PYTHONPATH": str(project.folder)}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    def line(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def children() -> Iterator[list[Child]]:
    made: list[Child] = []
    yield made
    for child in made:
        child.process.kill()
        child.process.wait()
        if child.process.stdout is not None:
            child.process.stdout.close()


def test_eight_processes_serve_legacy_at_their_next_call_after_one_rollback(
    project: Project, children: list[Child], record_property: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    publish = page.publish

    def timed(config: Any) -> Any:
        said = publish(config)
        written.append(time.monotonic_ns())
        return said

    monkeypatch.setattr(page, "publish", timed)
    project.write("mean", mode="rust")
    # The poller of these processes stands still once they are in rust: only the page can bring them back.
    children += [Child(project, 6.0, "page alone") for _ in range(8)]
    assert all(child.line()["mode"] in ("rust", "legacy") for child in children)
    time.sleep(2.0)
    told = time.monotonic_ns()
    rollback.rollback(str(project.config), None, [], "drill")
    assert written, "rollback wrote no page"
    done = written[0]
    served = [child.line() for child in children]
    assert all([mode for _, mode in each["flips"]][-2:] == ["rust", "legacy"] for each in served)
    # No call that began once the page was written was the candidate's, in any process.
    assert all(each["last"] < done for each in served)
    longest = max((each["flips"][-1][0] - done) / 1e6 for each in served)
    record_property("longest_delay_ms", longest)
    print(  # noqa: T201 - shown by -rP
        f"8 processes, one rollback: journal and page written in {(done - told) / 1e6:.2f} ms, "
        f"no later call was the candidate's, the last "
        f"process made its next call {longest:.2f} ms after that"
    )
    # They call every 0.2 ms: what is above is the scheduler's, with eight processes on whatever cores there are.
    assert longest < 500.0


def test_a_climb_waits_for_a_process_that_has_not_confirmed_and_never_for_a_dead_one(
    project: Project, children: list[Child]
) -> None:
    modes.append(project.folder / "evidence", project.unit("mean"), "legacy", "before")
    project.write("mean", mode="rust")
    children.append(Child(project, 20.0))
    assert children[0].line()["mode"] == "legacy"
    exuvia.migrate.install(project.config)
    os.kill(children[0].process.pid, 19)
    modes.append(project.folder / "evidence", project.unit("mean"), "rust", "climb")
    assert page.publish(exuvia.migrate.load(project.config)) is None
    assert soon(lambda: any("waits for process" in note for note in project.status("mean").notes))
    time.sleep(0.6)
    project.user.use([1.0])
    assert (project.status("mean").mode, project.candidate.calls) == ("legacy", [])
    os.kill(children[0].process.pid, 18)
    assert soon(lambda: project.status("mean").mode == "rust", 1.5)
    os.kill(children[0].process.pid, 19)
    os.kill(children[0].process.pid, 9)
    rollback.rollback(str(project.config), None, [], "drill")
    project.user.use([1.0])
    assert project.candidate.calls == []
    modes.append(project.folder / "evidence", project.unit("mean"), "rust", "again")
    assert soon(lambda: project.status("mean").mode == "rust", 1.5)


def test_800000_calls_in_four_threads_with_50000_flips_lose_no_call(tmp_path: Path) -> None:
    control = page.Page(tmp_path)
    with control.locked():
        at = control.take([page.digest("m:f")])[page.digest("m:f")]
        control.write({at: ("rust", 1)})
    switch = Switch(lambda x: x, lambda x: x, lambda x: x)
    switch.attach(ControlPage(control.mapped), "m:f")
    flips, done = 0, threading.Event()

    def flip() -> None:
        nonlocal flips
        while flips < 50_000:
            flips += 1
            if flips % 3:
                switch.set_mode(("legacy", "shadow", "rust")[flips // 3 % 3])
            else:
                control.write({at: (("rust", "legacy")[flips // 3 % 2], flips)})
            if flips % 97 == 0:
                time.sleep(0)
        done.set()

    def call() -> None:
        for number in range(200_000):
            assert switch.callable(number) == number

    threads = [threading.Thread(target=work) for work in (flip, call, call, call, call)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done.is_set()
    assert flips == 50_000
    counts = switch.counts()
    assert counts["legacy_calls"] + counts["candidate_calls"] == 800_000
    assert min(counts["legacy_calls"], counts["candidate_calls"]) > 0


def test_a_spliced_function_serves_each_call_once_while_its_code_is_exchanged_under_four_threads(
    shadowed: Shadowed,
) -> None:
    text = "import itertools\nserved = itertools.count()\ndef price(n, *, by=1):\n    next(served)\n    return n * by\n"
    shadowed.write(text, text)
    shadowed.install("price", mode="legacy", more="sample = 1e-15")
    unit: Any = next(iter(runtime._current.units.values()))
    original = shadowed.legacy.price.__code__
    calls, wrong, codes, done = 50_000, [], set(), threading.Event()
    flips = 0

    def flip() -> None:
        nonlocal flips
        while not done.is_set() or flips < 2_000:
            flips += 1
            unit.flip(("rust", "legacy")[flips % 2])
            codes.add(shadowed.legacy.price.__code__)
            time.sleep(0)  # the callers' turn, or a busy machine lets them see legacy only

    def call() -> None:
        for n in range(calls):
            if shadowed.legacy.price(n, by=3) != n * 3:
                wrong.append(n)

    flipper, *callers = [threading.Thread(target=work) for work in (flip, call, call, call, call)]
    interval = sys.getswitchinterval()
    # Threads take turns a hundred times more often than usual: the flips fall between and into the calls.
    sys.setswitchinterval(5e-5)
    try:
        flipper.start()
        while flips < 100:
            time.sleep(0.001)
        for thread in callers:
            thread.start()
        for thread in callers:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
        done.set()
    flipper.join()
    unit.flip("legacy")
    by_legacy, by_candidate = (
        next(shadowed.legacy.served),
        next(importlib.import_module(shadowed.candidate_name).served),
    )
    assert (wrong, len(codes), shadowed.legacy.price.__code__ is original) == ([], 2, True)
    assert by_legacy + by_candidate == 4 * calls
    assert min(by_legacy, by_candidate) > 0
    counts = unit.switch.counts()
    assert counts["candidate_calls"] == by_candidate


def test_memory_that_is_too_small_or_cannot_be_written_is_no_control_page() -> None:
    for buffer in (bytearray(10), bytes(page.SIZE * 2), memoryview(bytearray(page.SIZE * 4))[::2]):
        with pytest.raises((MigrateError, BufferError), match=r"a control page is \d+ writable bytes, aligned to 8"):
            ControlPage(buffer)
