"""A control page that is cut short while it is mapped: legacy serves, status says why, and the program goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from exuvia.migrate.dispatch import page
from moult import Project, project

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["project"]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a mapped file cannot be truncated elsewhere")

PROGRAM = """
import json, os, shutil, subprocess, sys, time
import exuvia.migrate
how, config, mode = sys.argv[1:]
exuvia.migrate.install(config)
import {legacy} as legacy, {candidate} as candidate
page = os.path.join(os.path.dirname(config), "evidence", "modes.page")
wrong = []
def call(times=1):
    before = len(candidate.calls)
    wrong.extend(got for got in (legacy.mean([1.0, 3.0]) for _ in range(times)) if got != {right})
    return len(candidate.calls) - before
call(50)
began = exuvia.migrate.status()[0].mode
shutil.copy(page, page + ".old")
if how == "none left":
    os.truncate(page, 0)
elif how == "half":
    os.truncate(page, os.path.getsize(page) // 2)
elif how == "a few":
    os.truncate(page, 100)
elif how == "forked":
    child = os.fork()
    if not child:
        time.sleep(0.5)
        call(50)
        os._exit(0 if call() == 0 and not wrong else 1)
    os.truncate(page, 0)
else:
    for _ in range(20):
        copying = subprocess.Popen(["cp", page + ".old", page])
        while copying.poll() is None:
            call()
at_once = call()
end = time.monotonic() + 5
while how != "copied over" and time.monotonic() < end:
    state = exuvia.migrate.status()[0]
    if state.mode == "legacy" and any("truncated" in note for note in state.notes):
        break
    time.sleep(0.01)
served = call(50)
state = exuvia.migrate.status()[0]
if how == "forked":
    assert os.waitpid(child, 0)[1] == 0, "the child"
said = {{"began": began, "at_once": at_once, "served": served, "mode": state.mode, "notes": state.notes}}
print(json.dumps({{**said, "wrong": wrong}}))
"""


def run(text: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(text), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("mode", ["shadow", "rust"])
@pytest.mark.parametrize("how", ["none left", "half", "a few", "copied over", "forked"])
def test_a_page_that_is_cut_short_while_it_is_mapped_ends_no_program(
    project: Project, monkeypatch: pytest.MonkeyPatch, mode: str, how: str
) -> None:
    project.write("mean", mode=mode)
    monkeypatch.setenv("PYTHONPATH", str(project.folder))
    text = PROGRAM.format(legacy=project.legacy_name, candidate=project.candidate_name, right=2.0)
    done = run(text, how, str(project.config), mode)
    assert done.returncode == 0, (done.returncode, done.stderr)
    said: dict[str, Any] = json.loads(done.stdout)
    assert (said["began"], said["wrong"]) == (mode, [])
    if how == "copied over":
        return  # a copy may also be done between two looks at the page
    assert (said["mode"], said["served"]) == ("legacy", 0)
    assert said["at_once"] == 0 or how == "half", "the words that are gone read as torn at the next call"
    assert any("was truncated" in note for note in said["notes"]), said["notes"]
    assert "was truncated" in done.stderr


OTHER = """
import faulthandler, mmap, os, signal, sys, time
from pathlib import Path
from exuvia._exuvia import ControlPage
from exuvia.migrate.dispatch import page

folder, how = Path(sys.argv[1]), sys.argv[2]
if how == "dumped":
    faulthandler.enable()
if how == "handled":
    signal.signal(signal.SIGBUS, lambda *_: print("handled", flush=True))
if how == "ignored":
    signal.signal(signal.SIGBUS, signal.SIG_IGN)
control = page.Page(folder)
mapped = ControlPage(control.mapped)
assert not mapped.truncated()
if how in ("dumped later", "both"):
    faulthandler.enable()
    assert not mapped.truncated()
if how == "handled later":
    signal.signal(signal.SIGBUS, lambda *_: print("handled", flush=True))
    assert not mapped.truncated()
if how in ("both", "taken back"):
    if how == "taken back":
        faulthandler.enable()
        assert not mapped.truncated()
    os.truncate(folder / page.PAGE, 0)
    assert control.words[0] == 0, "the zeros"
    assert mapped.truncated()
print("ours", flush=True)
if how == "taken back":
    sys.exit(0)
if how in ("sent", "handled", "handled later", "ignored"):
    os.kill(os.getpid(), signal.SIGBUS)
    time.sleep(0.1)
    sys.exit(0)
(folder / "other").write_bytes(bytes(9000))
with open(folder / "other", "r+b") as file:
    other = mmap.mmap(file.fileno(), 9000)
    os.truncate(folder / "other", 0)
    print(other[5000])
"""


@pytest.mark.parametrize(
    "how", ["alone", "dumped", "dumped later", "both", "taken back", "sent", "handled", "handled later", "ignored"]
)
def test_any_other_bus_error_is_what_it_was_without_us(tmp_path: Path, how: str) -> None:
    done = run(OTHER, str(tmp_path), how)
    if how in ("handled", "handled later", "ignored", "taken back"):
        said = ["ours", "handled"] if how.startswith("handled") else ["ours"]
        assert (done.returncode, done.stdout.split()) == (0, said), done.stderr
        return
    assert (done.returncode, done.stdout.split()) == (-signal.SIGBUS, ["ours"]), (done.returncode, done.stderr)
    assert ("Fatal Python error: Bus error" in done.stderr) == (how in ("dumped", "dumped later", "both")), done.stderr


def test_a_page_whose_descriptor_the_program_closed_is_not_taken_for_truncated(tmp_path: Path) -> None:
    control = page.Page(tmp_path, lasting=True)
    os.close(control._descriptor.number())
    assert control.held_size == page.SIZE
    with control.locked():
        assert control.held_size == page.SIZE, "it was opened again"
    os.truncate(control.path, 100)
    assert control.held_size == 100
    control.close()


def test_pages_come_and_go_and_each_is_guarded_while_it_is_mapped(tmp_path: Path) -> None:
    done = run(
        """
        import os, sys
        from pathlib import Path
        from exuvia._exuvia import ControlPage, Switch
        from exuvia.migrate.dispatch import page
        kept = []
        for number in range(40):
            folder = Path(sys.argv[1]) / str(number)
            folder.mkdir(mode=0o700)
            control = page.Page(folder)
            with control.locked():
                control.write({control.take([page.digest("m:f")])[page.digest("m:f")]: ("rust", 1)})
            switch = Switch(lambda: "legacy", lambda: "rust", lambda: "shadow")
            assert switch.attach(ControlPage(control.mapped), "m:f")
            switch.set_mode("rust")
            assert switch.callable() == "rust"
            if number % 2:
                os.truncate(folder / page.PAGE, 0)
                assert switch.callable() == "legacy", number
                assert not control.whole
            control.close()
            kept += [(number, switch)] * (number % 3 > 0)
        for number, switch in kept:
            assert switch.callable() == ("legacy" if number % 2 else "rust")
        print("whole")
        """,
        str(tmp_path),
    )
    assert (done.returncode, done.stdout) == (0, "whole\n"), (done.returncode, done.stderr)
