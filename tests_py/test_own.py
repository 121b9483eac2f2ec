"""A program may patch the standard library, count its threads or stop its clocks: exuvia neither notices nor shows."""

from __future__ import annotations

import ast
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import exuvia.migrate
import pytest
from commands import python
from exuvia.migrate import own
from shadowing import Shadowed, shadowed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["shadowed"]

HERE = Path(exuvia.migrate.__file__).parent
BESIDE = ("worth", "workbench", "face", "cli", "comparator", "gates")
"""What runs in commands, not beside a program."""
ALONE = {"own.py", "shadow/keeper.py", "shadow/fence.py", "shadow/landlock.py"}
"""Kept from elsewhere by `own`, or run in a process of its own, before or around everything else."""


def taken_as_they_are() -> Iterator[str]:
    """Imports of patchable modules, straight from the standard library, in what runs beside a program."""
    for path in sorted(HERE.rglob("*.py")):
        name = path.relative_to(HERE).as_posix()
        if name in ALONE or name.startswith(BESIDE):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found = [str(node.module)]
            else:
                continue
            for module in found:
                if module.partition(".")[0] in own.KEPT:
                    yield f"{name}:{node.lineno} imports {module}: take it from exuvia.migrate.own"


def test_what_runs_beside_a_program_takes_what_can_be_patched_from_where_it_is_kept() -> None:
    assert list(taken_as_they_are()) == []


def test_what_is_kept_is_neither_a_module_nor_a_function_that_stands_in_one_of_exuvia_s() -> None:
    import time

    wanted = {id(time.time_ns), id(time.monotonic), id(time.monotonic_ns), id(time.sleep), id(time.perf_counter_ns)}
    found = [
        f"{name}.{attribute}"
        for name, module in list(sys.modules.items())
        if name.startswith("exuvia.migrate") and not name.startswith(tuple(f"exuvia.migrate.{each}" for each in BESIDE))
        for attribute, value in list(vars(module).items())
        if id(value) in wanted
    ]
    assert found == []


LEGACY = """
def price(n):
    return n * 2
class Book:
    def __init__(self):
        self.rows = []
    def add(self, n):
        self.rows.append(n)
        return len(self.rows)
"""
CLOCK = """
import builtins, collections, json, os, pickle, select, signal, sys, threading, time
import exuvia.migrate, old
exuvia.migrate.install("exuvia.toml")
real = time.sleep
slept, asked = [], collections.Counter()
def count(module, name, does=None):
    its = getattr(module, name)
    def counted(*args, **kwargs):
        asked[module.__name__ + "." + name] += 1
        return (does or its)(*args, **kwargs)
    setattr(module, name, counted)
old.price(0)
real(0.5)
count(time, "sleep", slept.append)
for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"):
    # They stand still.
    count(time, name, lambda name=name: 10**18 if name.endswith("ns") else 1e9)
for name in ("read", "write", "pread", "fstat", "pipe", "close", "getpid", "fsync"):
    count(os, name)
for module, names in ((json, "dumps loads"), (pickle, "dumps loads"), (select, "poll"), (signal, "signal"),
                      (threading, "Thread Lock RLock Event current_thread get_ident")):
    for name in names.split():
        count(module, name)
book = old.Book()
for number in range(200):
    assert old.price(number) == 2 * number
    book.add(number)
    if number % 20 == 0:
        real(0.05)
real(1.5)
print(slept, dict(asked))
"""


def program(folder: Path, text: str, candidate: str = LEGACY, more: str = "") -> Path:
    (folder / "old.py").write_text(LEGACY)
    (folder / "new.py").write_text(candidate)
    (folder / "main.py").write_text(text)
    units = "".join(
        f'[unit."old:{name}"]\ncandidate = "new:{name}"\neffect = "pure"\nmode = "shadow"\n{more}'
        for name in ("price", "Book")
    )
    config = folder / "exuvia.toml"
    config.write_text(f"[exuvia]\nrehearsal = true\nendpoints = []\n{units}")
    config.chmod(0o600)
    return folder


def test_a_program_s_virtual_clock_is_not_driven_by_exuvia_and_stops_nothing_in_it(tmp_path: Path) -> None:
    ran = python(program(tmp_path, CLOCK), "main.py")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[] {}"


def test_frozen_clocks_do_not_keep_a_process_from_ending(tmp_path: Path) -> None:
    frozen = (
        "import time\nimport exuvia.migrate, old\nexuvia.migrate.install('exuvia.toml')\nreal = time.sleep\n"
        "for name in ('time', 'monotonic', 'perf_counter'):\n    setattr(time, name, lambda: 1000.0)\n"
        "for name in ('time_ns', 'monotonic_ns', 'perf_counter_ns'):\n    setattr(time, name, lambda: 10**12)\n"
        "for number in range(20):\n    old.price(number)\nreal(0.2)\nprint('done')\n"
    )
    hangs = "import time\n" + LEGACY.replace("return n * 2", "time.sleep(600)")
    ran = python(program(tmp_path, frozen, hangs, "deadline = 0.2\n"), "main.py")
    assert (ran.returncode, ran.stdout.strip()) == (0, "done"), ran.stderr


THREADS = """
import threading, logging
import exuvia.migrate, old
exuvia.migrate.install("exuvia.toml")
for number in range(50):
    old.price(number)
exuvia.migrate.runtime._current.courier.flush(20.0)
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        print("would wait for ever for", thread.name)
print(threading.active_count())
"""


def test_who_joins_all_threads_waits_for_none_of_exuvia_s(tmp_path: Path) -> None:
    ran = python(program(tmp_path, THREADS), "main.py")
    assert ran.stdout.split() == ["1"], ran.stderr


def test_a_forked_child_has_threads_of_its_own_that_nobody_counts(shadowed: Shadowed) -> None:
    shadowed.write(LEGACY, LEGACY)
    shadowed.install("price")
    shadowed.legacy.price(1)
    shadowed.settle()
    thread = shadowed.courier.thread
    assert thread.is_alive()
    process = own.os.getpid
    own.os.getpid = lambda: process() + 1
    try:
        assert not thread.is_alive(), "in another process it runs not"
    finally:
        own.os.getpid = process
    assert not [each for each in threading.enumerate() if each.name.startswith(("exuvia", "Dummy"))]


def test_a_name_that_is_not_kept_is_an_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'turtle'"):
        own.__getattr__("turtle")
