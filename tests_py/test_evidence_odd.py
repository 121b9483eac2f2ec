"""Evidence where the system says little or something goes wrong: nothing is taken for whole that is not known to be."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from exuvia.migrate import own
from exuvia.migrate.evidence import activity, chain, folder, header, linking, reading, redact, watch
from exuvia.migrate.evidence.record import Record
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.evidence.watch import Watch
from shadowing import until

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for processes")


def started(*words: str) -> int:
    return os.posix_spawn(words[0], list(words), os.environ)


def refuse(*_: object, **__: object) -> Any:
    raise FileNotFoundError(2, "No such file or directory")


def test_a_child_that_ended_is_forgotten_and_one_that_gets_its_number_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: Iterator[list[int]] = iter([[5], [5], [5], [], [5], [5]])
    monkeypatch.setattr(watch, "children", lambda: next(looks))
    watching = Watch()
    assert [list(watching._new_children()) for _ in range(6)] == [[], [5], [], [], [], [5]]


@LINUX
def test_only_children_of_the_same_python_count_and_only_where_the_system_tells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other, same = started("/bin/sleep", "60"), started(sys.executable, "-c", "import time; time.sleep(60)")
    try:
        mine = Path("/proc/self/exe").readlink()
        assert not watch._is_the_program(other, mine)
        until(lambda: same in watch.children(), "the child was not seen")
        assert other not in watch.children()
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(Path, "readlink", refuse)
            assert watch.children() == []
    finally:
        for pid in (other, same):
            os.kill(pid, 9)
            os.waitpid(pid, 0)
    assert not watch._is_the_program(other, mine)


@LINUX
def test_a_process_that_nobody_has_waited_for_is_gone() -> None:
    pid = started("/bin/sh", "-c", "exit 0")
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    said = {**header.machine(), "pid": pid, "born": header.born(pid)}
    assert header.is_gone(said)
    os.waitpid(pid, 0)
    assert header.is_gone(said)
    assert not header.is_gone({**said, "pid": os.getpid(), "born": header.born(os.getpid())})


def test_a_machine_that_says_little_is_named_by_what_python_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    import platform

    def unknown(_: str) -> str:
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr(own.os, "confstr", unknown, raising=False)
    assert header._libc() == " ".join(platform.libc_ver()).strip()
    assert list(header._lines("/proc/there is no such file")) == []
    monkeypatch.setattr(header, "_lines", lambda _: iter(()))
    assert header._cpu() == (platform.processor() or platform.machine())


@pytest.mark.skipif(os.name != "posix", reason="owners are POSIX")
def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own.os, "geteuid", lambda: 1000)
    found: Any = SimpleNamespace(st_mode=0o40700, st_uid=4242)
    with pytest.raises(OSError, match="the folder belongs to user 4242, this process is user 1000"):
        folder._check_folder(tmp_path, found)
    found.st_uid = 0
    folder._check_folder(tmp_path, found)


def test_a_file_that_goes_while_sizes_are_added_up_counts_nothing(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"1234")
    sizes = folder._sizes(tmp_path, 0)
    assert next(sizes) == 4
    for name in "ab":
        (tmp_path / name).unlink()
    assert list(sizes) == []


def test_whatever_fails_as_a_file_begins_or_is_sealed_is_said_and_nothing_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(_: Segment) -> None:
        raise ValueError("odd")

    with monkeypatch.context() as broken:
        broken.setattr(Segment, "_next", odd)
        segment = Segment(tmp_path / "one", {"fingerprints": {}})
        assert (segment.sampling, "ValueError: odd" in str(segment.trouble)) == (False, True)
        segment.close()
    segment = Segment(tmp_path / "two", {"fingerprints": {}})
    assert segment.sampling
    with monkeypatch.context() as broken:
        broken.setattr(Segment, "_seal", odd)
        segment.close()
    assert "ValueError: odd" in str(segment.trouble)
    lost = segment.lost
    segment.write({"kind": "trouble", "what": "x", "text": "late"})
    assert segment.lost == lost + 1


def test_a_frame_that_is_not_json_is_damage(tmp_path: Path) -> None:
    segment = reading.SegmentText(tmp_path / "a.seg")
    reading._take(segment, "counters", b"\xff{")
    assert [trouble.what for trouble in segment.troubles] == ["damaged"]
    assert "a.seg: a frame of kind 'counters' is not JSON" in str(segment.trouble)


def test_files_that_are_missing_in_the_middle_are_counted() -> None:
    said: list[tuple[str, str]] = []

    def file(number: int) -> Any:
        return SimpleNamespace(
            number=number, path=Path(f"{number}.seg"), add_trouble=lambda *what: said.append(what), sealed=True,
            header={"previous": "d"}, digest="d",
        )  # fmt: skip

    linking._in_a_row([file(0), file(1), file(4)])
    assert said == [("missing", "4.seg: 2 files of its process before it are gone")]


def test_of_a_day_that_nobody_can_name_nothing_is_known_for_ever(tmp_path: Path) -> None:
    for name, whole in (("date=2026-11-20", False), ("date=someday", True)):
        segment: Any = SimpleNamespace(path=tmp_path / name / "head.json", trouble="it was changed", unknown=[])
        linking._of_a_day(segment)
        ((began, over, why),) = segment.unknown
        assert why == "it was changed"
        assert (began == 0 and over == linking.FOREVER) == whole


def test_the_head_of_a_day_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert chain.read_day(tmp_path) == ({}, None)
    for text, error in (("{", "JSONDecodeError"), ("{}", "KeyError"), ("[]", "TypeError")):
        (tmp_path / chain.HEAD_FILE).write_text(text)
        (tmp_path / chain.HEAD_FILE).chmod(0o600)
        day, why = chain.read_day(tmp_path)
        assert (day, f"cannot be read: {error}" in str(why)) == ({}, True), why


def test_only_the_newest_secrets_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "SEEN", 2)
    redactor = redact.Redactor(())
    for number in range(3):
        redactor.remember(f"secret-{number}")
    assert [redactor.seen_in(f"x secret-{number} y") for number in range(3)] == [False, True, True]


def test_a_slot_that_was_never_set_and_a_bracket_that_never_closes_hide_nothing_and_all() -> None:
    class Slotted:
        __slots__ = ("price", "token")

    held: Any = Slotted()
    held.price = 3
    assert redact._attributes(held, Slotted) == [("price", 3)]
    assert redact._closing("token = [1, (2", 8) == len("token = [1, (2")
    assert redact._closing("token = [1, (2)] x", 8) == len("token = [1, (2)]")


def test_arguments_that_cannot_be_shown_are_named_by_what_they_raised() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("no text")

    record = Record("bot:price", lambda _: None)
    assert record._shown("", [1, 2]) == "[1, 2]"
    assert "RuntimeError" in record._shown("", Odd())


def test_of_activity_the_last_days_are_kept() -> None:
    seen = activity.Activity({})
    for day in range(1, 6):
        at = int(datetime(2026, 11, day, 12, tzinfo=UTC).timestamp()) * 1_000_000_000
        seen._add(at, [1, 1, 0, 0, 0], 0)
    assert sorted(seen._days) == ["2026-11-03", "2026-11-04", "2026-11-05"]
    assert json.dumps(seen._days)
