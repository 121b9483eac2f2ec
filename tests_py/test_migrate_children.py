"""Children that multiprocessing starts: what they call is on record, or the verdict says that it is not known."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from commands import exuvia, python

if TYPE_CHECKING:
    from pathlib import Path

BOT = "def price(n):\n    return n + 1\n"
SHIM = "def price(n):\n    return n + 1 if n < 100 else 0\n"
CONFIG = """
[exuvia]
rehearsal = true
endpoints = ["http://127.0.0.1:1"]
[unit."bot:price"]
candidate = "shim:price"
effect = "pure"
mode = "shadow"
"""
HEAD = """
import concurrent.futures, multiprocessing, os, sys, time
{first}
from bot import price
def work(n):
    return price(n)
if __name__ == "__main__":
    how = multiprocessing.get_context("{how}")
    [price(n) for n in range(40)]
"""
PROCESS = """
    children = [how.Process(target=work, args=(n,)) for n in (200, 201)]
    [child.start() for child in children]
    [child.join() for child in children]
    assert [child.exitcode for child in children] == [0, 0]
"""
EXECUTOR = """
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=how) as pool:
        assert sum(pool.map(work, (200, 201))) == 403
"""
POOL = """
    with how.Pool(1) as pool:
        assert pool.map(work, (200, 201)) == [201, 202]
        pool.close()
        pool.join()
"""
LATE = """
    import threading
    def later():
        threading.Thread(target=lambda: (time.sleep(0.5), work(200), work(201))).start()
    child = how.Process(target=later)
    child.start()
    child.join()
"""
HOW = ["spawn"] if sys.platform == "win32" else ["fork", "forkserver", "spawn"]


def run(folder: Path, how: str, body: str, first: str = "", *words: str) -> None:
    for name, text in (("bot.py", BOT), ("shim.py", SHIM), ("exuvia.toml", CONFIG)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    (folder / "main.py").write_text(HEAD.format(how=how, first=first) + body)
    words = words or ("-m", "exuvia", "run", "main.py")
    done = python(folder, *words, PYTHONPATH=str(folder))
    assert (done.returncode, done.stderr) == (0, ""), done


def unit(folder: Path) -> dict[str, Any]:
    done = exuvia(folder, "status", "--json", PYTHONPATH=str(folder))
    (state,) = json.loads(done.stdout)["units"]
    return dict(state)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("body", [PROCESS, EXECUTOR, POOL], ids=["Process", "ProcessPoolExecutor", "Pool"])
def test_what_differs_only_in_a_child_is_on_record_and_no_child_was_killed(tmp_path: Path, how: str, body: str) -> None:
    run(tmp_path, how, body)
    state = unit(tmp_path)
    assert (state["verdict"], state["compared"], state["differed"]) == ("FAIL", 42, 2), state
    assert [note for note in state["notes"] if "no end" in note or "without exuvia" in note] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_calls_of_threads_that_outlive_a_childs_own_work_are_on_record(tmp_path: Path) -> None:
    run(tmp_path, "fork", LATE)
    state = unit(tmp_path)
    assert (state["compared"], state["differed"]) == (42, 2), state
    assert not any("no end" in note for note in state["notes"])


def test_a_main_module_that_installs_at_its_top_installs_in_its_children_once(tmp_path: Path) -> None:
    run(tmp_path, "spawn", PROCESS, "import exuvia.migrate; exuvia.migrate.install()", "main.py")
    state = unit(tmp_path)
    assert (state["verdict"], state["compared"], state["differed"]) == ("FAIL", 42, 2), state


CANNOT = """
    path = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "exuvia.toml")
    kept = open(path).read()
    open(path, "w").write("[exuvia]\\nunknown = 1\\n")
    child = how.Process(target=work, args=(1,))
    child.start()
    child.join()
    open(path, "w").write(kept)
    assert child.exitcode == 0
"""


def test_a_child_that_cannot_be_observed_makes_the_verdict_inconclusive_with_the_reason_and_the_way(
    tmp_path: Path,
) -> None:
    with pytest.raises(AssertionError, match="a child process runs without exuvia"):
        run(tmp_path, "spawn", CANNOT)
    state = unit(tmp_path)
    assert (state["verdict"], state["compared"]) == ("INCONCLUSIVE", 40), state
    assert "a child ran this program without exuvia" in state["reason"]
    assert "exuvia.migrate.install()" in state["reason"]


TERMINATED = """
    with how.Pool(2) as pool:
        assert sum(pool.map(work, range(40), 1)) == 820
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_pool_that_terminates_its_children_leaves_their_last_counters(tmp_path: Path) -> None:
    run(tmp_path, "fork", TERMINATED)
    state = unit(tmp_path)
    assert (state["compared"], state["differed"]) == (80, 0), state
    assert not any("no end" in note for note in state["notes"])


def test_uninstall_gives_multiprocessing_its_own_function_back(tmp_path: Path) -> None:
    body = """
    import multiprocessing.spawn, exuvia.migrate
    ours = multiprocessing.spawn.get_preparation_data
    exuvia.migrate.uninstall()
    assert multiprocessing.spawn.get_preparation_data is ours.__wrapped__
"""
    run(tmp_path, "spawn", body)
