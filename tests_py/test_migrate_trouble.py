"""When something beside the program goes wrong: the other units still follow, what failed is on record."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import types
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
from exuvia.errors import MigrateError
from exuvia.migrate.evidence import reading
from exuvia.migrate.modes import journal as modes
from moult import Project, project

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["project"]


def soon(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether it becomes true in time: the journal is looked at every second."""
    end = time.monotonic() + seconds
    while not (done := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return done


def theirs(*args: Any, **kwargs: Any) -> str:
    return "someone else's"


def notes_on_disk(project: Project, name: str) -> str:
    config = exuvia.migrate.load(project.config)
    states = reading.statuses(config, reading.read_folder(config.evidence))
    return "\n".join(next(state.notes for state in states if state.unit == project.unit(name)))


def test_a_unit_that_someone_patched_keeps_no_other_from_its_rollback(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    sort = project.legacy.sort.__code__
    project.install("mean", "sort")
    ours, project.legacy.mean.__code__ = project.legacy.mean.__code__, theirs.__code__
    modes.append(project.folder / "evidence", modes.EVERY_UNIT, "legacy", "drill")
    assert soon(lambda: project.status("sort").mode == "legacy")
    assert soon(lambda: project.legacy.sort.__code__ is sort)
    assert project.legacy.mean([1.0]) == "someone else's"
    assert project.status("mean").mode == "shadow"
    said = f"{project.unit('mean')} stays in shadow, the journal says legacy: {project.unit('mean')} was patched by"
    assert capsys.readouterr().err.count(said) == 1
    assert said in notes_on_disk(project, "mean")
    # It is that unit's trouble, and nobody else's.
    assert said not in notes_on_disk(project, "sort")
    project.legacy.mean.__code__ = ours


def test_the_journal_is_followed_although_something_else_fails_every_second(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    sealed = threading.Event()

    class Sealing(type):
        def __delattr__(cls, name: str) -> None:
            if sealed.is_set():
                raise AttributeError(f"this class is sealed: {name}")
            super().__delattr__(name)

    class Plain(project.candidate.Book, metaclass=Sealing):
        pass

    project.candidate.Book = Plain
    project.install("mean", "Book", mode="rust")
    book = project.user.Book()
    exuvia.migrate.set_mode(project.unit("Book"), "shadow")
    sealed.set()
    del book
    said = f"{project.unit('Book')}: AttributeError: this class is sealed"
    assert soon(lambda: said in capsys.readouterr().err)
    assert said in notes_on_disk(project, "Book")
    assert "AttributeError" not in notes_on_disk(project, "mean")
    modes.append(project.folder / "evidence", project.unit("mean"), "legacy", "drill")
    assert soon(lambda: project.status("mean").mode == "legacy")
    sealed.clear()
    assert soon(lambda: "add" not in vars(Plain))


def test_a_count_that_someone_took_off_is_no_obstacle_to_leaving(project: Project) -> None:
    class Plain(project.candidate.Book):
        pass

    project.candidate.Book, own = Plain, set(vars(Plain))
    project.install("Book", mode="rust")
    del Plain.add
    exuvia.migrate.uninstall()
    assert set(vars(Plain)) == own


def test_uninstall_gives_back_every_unit_that_it_can_and_names_the_one_that_it_cannot(project: Project) -> None:
    sort, book = project.legacy.sort.__code__, project.user.Book
    project.install("mean", "sort", "Book", mode="rust")
    project.legacy.mean.__code__ = theirs.__code__
    with pytest.raises(MigrateError, match="mean was patched by someone else after install"):
        exuvia.migrate.uninstall()
    assert (project.legacy.sort.__code__, project.user.Book) == (sort, book)
    exuvia.migrate.uninstall()
    with pytest.raises(MigrateError, match="not installed"):
        exuvia.migrate.status()


def test_an_install_that_fails_half_way_leaves_nothing_behind(project: Project) -> None:
    class Sealed(types.ModuleType):
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(f"this module is sealed: {name}")

    mean, book = project.legacy.mean.__code__, project.user.Book
    init = vars(project.candidate.Book)["__init__"]
    project.write("mean", "Book", mode="rust")
    project.legacy.__class__ = Sealed
    with pytest.raises(AttributeError, match="sealed: Book"):
        exuvia.migrate.install(project.config)
    assert (project.legacy.mean.__code__, project.legacy.Book, project.user.Book) == (mean, book, book)
    assert vars(project.candidate.Book)["__init__"] is init
    with pytest.raises(MigrateError, match="not installed"):
        exuvia.migrate.status()
    types.ModuleType.__setattr__(project.legacy, "__class__", types.ModuleType)
    exuvia.migrate.install(project.config)
    assert project.user.Book is project.candidate.Book


TERM = """
import os, pathlib, signal, sys
own = {own}
signal.signal(signal.SIGTERM, own or signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # in all threads: what is sent waits
import exuvia.migrate
exuvia.migrate.install({config!r})
handler = signal.getsignal(signal.SIGTERM)
if own:
    print(handler is own)
    sys.exit()
import {legacy}
for n in range(5):
    {legacy}.recursive(0)
handler(signal.SIGTERM, None)
from exuvia.migrate.evidence import reading
found = reading.read_segment(next(pathlib.Path({folder!r}).glob("evidence/*.seg")))
print([unit["compared"] for unit in found.counters.values()] == [5], found.ended and found.sealed)
print(signal.SIGTERM in signal.sigpending(), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""


def term(project: Project, own: str) -> str:
    program = TERM.format(
        own=own, config=str(project.write("recursive")), legacy=project.legacy_name, folder=str(project.folder)
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_at_sigterm_the_counters_are_forced_to_the_disk_and_the_signal_is_sent_again(project: Project) -> None:
    assert term(project, "None") == "True True\nTrue True\n"


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_a_program_with_its_own_handler_of_sigterm_keeps_it(project: Project) -> None:
    assert term(project, "lambda number, frame: None") == "True\n"
