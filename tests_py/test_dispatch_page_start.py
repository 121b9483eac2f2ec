"""What the start does not wait for: the page on the disk, room for an entry; and a page that never got to the disk."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

import exuvia.migrate
import pytest
from exuvia.errors import MigrateError
from exuvia.migrate import runtime
from exuvia.migrate.dispatch import page
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.modes import writing
from moult import Project, project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["project"]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the control page is tested where files are locked")


def soon(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The files that were forced to the disk, by inode."""
    found: list[int] = []
    own = page.os.fsync

    def fsync(number: int) -> None:
        found.append(os.fstat(number).st_ino)
        own(number)

    monkeypatch.setattr(page.os, "fsync", fsync)
    return found


def test_install_waits_for_no_disk_and_the_pollers_first_look_brings_the_page_there(
    project: Project, forced: list[int]
) -> None:
    project.install("mean", mode="rust")
    assert forced == []
    evidence = project.folder / "evidence"
    made = (evidence / page.PAGE).stat().st_ino
    assert soon(lambda: made in forced)
    assert soon((evidence / writing.ROOM).exists)
    current = runtime._current
    assert current is not None
    current.control.settle()
    assert forced.count(made) == 1, "once"


def test_a_program_that_ends_before_the_first_look_leaves_page_and_room_behind_it(
    project: Project, forced: list[int]
) -> None:
    project.install("mean", mode="rust")
    exuvia.migrate.uninstall()
    evidence = project.folder / "evidence"
    assert (evidence / page.PAGE).stat().st_ino in forced
    assert (evidence / writing.ROOM).stat().st_size == writing.ROOM_BYTES


def test_a_page_that_the_program_closed_is_no_trouble_of_the_poller(project: Project, forced: list[int]) -> None:
    project.install("mean", mode="rust")
    current = runtime._current
    assert current is not None
    held = current.control.page
    assert held is not None
    os.close(held._descriptor.number())
    assert soon((project.folder / "evidence" / writing.ROOM).exists)
    current.control.settle()
    assert (current.told, forced) == (set(), [])


def test_a_disk_that_does_not_take_the_page_is_told_and_the_page_serves_from_memory(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(number: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(page.os, "fsync", refuse)
        project.install("mean", mode="rust")
        current = runtime._current
        assert current is not None
        current.control.settle()
        assert any("could not be brought to the disk" in note for note in current.control.notes())
    assert project.status("mean").mode == "rust"


def test_a_page_that_a_command_makes_is_on_the_disk_before_it_is_used(tmp_path: Path, forced: list[int]) -> None:
    page.Page(tmp_path).close()
    made = (tmp_path / page.PAGE).stat().st_ino
    assert forced == [made]
    page.Page(tmp_path).close()
    assert forced == [made], "only by who made it"


@pytest.mark.parametrize("size", [1, 4096, page.SIZE])
def test_a_page_of_zeros_is_one_that_a_power_cut_kept_from_the_disk_and_is_made_again(
    project: Project, size: int
) -> None:
    evidence = project.folder / "evidence"
    evidence.mkdir(mode=0o700)
    (evidence / page.PAGE).write_bytes(bytes(size))
    (evidence / page.PAGE).chmod(0o600)
    project.install("mean", mode="rust")
    assert (evidence / page.PAGE).stat().st_size == page.SIZE
    assert project.status("mean").mode == "rust"
    assert not any("slow rollback" in note for note in project.status("mean").notes)


@pytest.mark.parametrize("at", [8, page.SLOTS_AT * 8, page.SIZE - 1])
def test_a_page_with_anything_in_it_is_not_taken_for_a_blank_one(tmp_path: Path, at: int) -> None:
    data = bytearray(page.SIZE)
    data[at] = 1
    (tmp_path / page.PAGE).write_bytes(data)
    (tmp_path / page.PAGE).chmod(0o600)
    with pytest.raises(MigrateError, match="it is not ours"):
        page.Page(tmp_path)
    assert (tmp_path / page.PAGE).read_bytes() == data
    assert modes.read(tmp_path).broken is None
