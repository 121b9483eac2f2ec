"""Who shares a control page, and what the source tells before an import, where the system or the source says little."""

from __future__ import annotations

import inspect
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from exuvia.errors import MigrateError
from exuvia.migrate import load, own, runtime, starting
from exuvia.migrate.descriptor import Held, high, ready
from exuvia.migrate.dispatch import canary, finding, fleet, foresight, hook, page
from exuvia.migrate.dispatch.fleet import Fleet, strangers
from exuvia.migrate.dispatch.page import PROCESS_WORDS, PROCESSES_AT, Page
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]

BUILD = 7


@pytest.fixture
def paged(tmp_path: Path) -> Any:
    tmp_path.chmod(0o700)
    made = Page(tmp_path)
    yield made
    made.close()


def refused(error: type[OSError]) -> Any:
    def call(*_: object, **__: object) -> Any:
        raise error("refused")

    return call


def member(paged: Page, place: int, *, pid: int, space: int, beat: int = 0) -> int:
    """Put a process into a place of the page."""
    at = PROCESSES_AT + place * PROCESS_WORDS
    for offset, value in ((0, pid), (1, 5), (2, space), (5, beat)):
        paged.words[at + offset] = value
    return at


def test_a_process_has_one_place_however_often_it_joins(paged: Page) -> None:
    first = Fleet(paged, BUILD)
    assert Fleet(paged, BUILD).at == first.at
    assert first.others() == []


def test_a_process_without_a_place_serves_and_is_not_waited_for(paged: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "PROCESSES", 0)
    late = Fleet(paged, BUILD)
    late.beat(3)
    late.leave()
    assert (late.at, late.others(), late.waits_for(3)) == (None, [], None)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_a_process_of_another_user_is_alive_and_one_of_another_namespace_while_it_beats(
    paged: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Fleet(paged, BUILD)
    theirs = member(paged, 3, pid=os.getppid(), space=mine.space)
    with monkeypatch.context() as other:
        other.setattr(own.os, "kill", refused(PermissionError))
        assert mine._alive(theirs)
    with monkeypatch.context() as other:
        other.setattr(own.os, "kill", refused(ProcessLookupError))
        assert not mine._alive(theirs)
    assert mine._alive(member(paged, 3, pid=1, space=mine.space + 1, beat=time.monotonic_ns()))
    silent = max(time.monotonic_ns() - fleet.SILENT_NS - 1, 0)
    assert mine._alive(member(paged, 3, pid=1, space=mine.space + 1, beat=silent)) == (silent == 0)
    assert not mine._alive(member(paged, 3, pid=0, space=mine.space))


def test_a_system_that_tells_nothing_of_processes_names_no_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.setattr(Path, "iterdir", refused(FileNotFoundError))
        assert strangers(set()) == []
    with monkeypatch.context() as without:
        without.setattr(Path, "stat", refused(FileNotFoundError))
        assert fleet._namespace() == 0
    with monkeypatch.context() as without:
        without.setattr(sys, "platform", "darwin")
        assert (fleet._stat(os.getpid()), fleet._started(os.getpid())) == ([], 0)
    gone = 2**22 + 1
    assert (fleet._started(gone), fleet._zombie(gone)) == (0, False)


def test_a_word_that_is_torn_says_nothing(paged: Page) -> None:
    name = page.digest("bot:price")
    at = paged.take([name])[name]
    assert paged.read(at) is None
    paged.write({at: ("shadow", 1)})
    said = paged.read(at)
    assert said is not None
    assert said.mode == "shadow"
    paged.words[at + page.WORD] ^= 1 << 50
    assert paged.read(at) is None


def test_a_page_that_cannot_be_written_is_said_and_stops_nothing(tmp_path: Path) -> None:
    def write(_: Page) -> None:
        raise OSError("disk is gone")

    assert page._with_page(tmp_path, write, create=True) == "disk is gone"
    assert page._with_page(tmp_path / "nowhere", write, create=False) is None


def test_an_evidence_folder_on_a_network_is_named_as_what_shares_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    device = tmp_path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"

    def mounts(kind: str) -> None:
        text = f"36 25 {number} / /mnt rw - {kind} server:/data rw\n"
        monkeypatch.setattr(Path, "open", lambda *_, **__: io.StringIO(text))

    mounts("nfs4")
    assert page.unmappable(tmp_path) == f"{tmp_path} is on nfs4, which does not share memory between processes"
    mounts("fuse.sshfs")
    assert "fuse.sshfs" in str(page.unmappable(tmp_path))
    mounts("ext4")
    assert page.unmappable(tmp_path) is None


CONFIG = '[unit."{legacy}:f"]\ncandidate = "{candidate}:f"\neffect = "pure"\n'


def checked(folder: Path, legacy: str, name: str = "") -> Any:
    """What is known of a unit's legacy side before it is imported."""
    path = folder / "exuvia.toml"
    path.write_text(CONFIG.format(legacy=legacy, candidate="shim_of_foresight"))
    path.chmod(0o600)
    config = load(path)
    (unit,) = config.units.values()
    foresight._refuse_another_name(config, unit)
    return foresight._check(config, unit, name or unit.name, None)


def test_what_the_source_cannot_tell_is_left_to_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "told.py").write_text("def f(a, b=1):\n    return a\n")
    (tmp_path / "shim_of_foresight.py").write_text("from told import g as f\n")
    assert list(inspect.signature(checked(tmp_path, "told")).parameters) == ["a", "b"]
    (tmp_path / "broken_source.py").write_text("def f(:\n")
    assert checked(tmp_path, "broken_source") is None
    assert checked(tmp_path, "told", "math:sqrt") is math.sqrt
    monkeypatch.setattr(hook, "origin", lambda _: str(tmp_path / "compiled.so"))
    assert checked(tmp_path, "compiled") is None
    monkeypatch.setattr(hook, "origin", refused(PermissionError))
    assert checked(tmp_path, "hidden") is None


def test_the_words_of_a_file_that_cannot_be_read_tell_nothing(tmp_path: Path) -> None:
    assert foresight.words_of(tmp_path / "nowhere.py") == frozenset()
    (tmp_path / "latin.py").write_bytes(b"# \xff\n")
    assert foresight.words_of(tmp_path / "latin.py") == frozenset()
    (tmp_path / "broken.py").write_text("def price(:\n")
    assert foresight.words_of(tmp_path / "broken.py") == frozenset()


def test_a_name_in_a_docstring_or_a_comment_is_no_word_of_the_code(tmp_path: Path) -> None:
    text = '"""Has rate."""\n# spread\ndef price():\n    """Is no vwap."""\n    return globals()["tick"]\n'
    (tmp_path / "m.py").write_text(text)
    assert foresight.words_of(tmp_path / "m.py") == {"price", "globals", "tick"}


def test_a_wrapper_whose_function_is_not_there_yet_holds_none() -> None:
    def made() -> Any:
        def wrapper() -> Any:
            return later()

        if len(__name__) > 1000:
            later = print
        return wrapper

    assert finding.inner(made(), __name__, "price") is None


def test_where_a_compiled_function_tells_no_arguments_the_call_decides() -> None:
    assert canary.place("$args[1].id", min) == (1, None, [], ["id"])
    assert canary.place("$args.account", min) == (None, "account", [], [])


def test_a_key_that_is_no_argument_is_said_with_the_unit(tmp_path: Path) -> None:
    (tmp_path / "exuvia.toml").write_text(CONFIG.format(legacy="a", candidate="b") + 'key = "$args.account"\n')
    (tmp_path / "exuvia.toml").chmod(0o600)
    (unit,) = load(tmp_path / "exuvia.toml").units.values()

    def f(side: str) -> str:
        return side

    switch: Any = None
    with pytest.raises(MigrateError, match="unit 'a:f': .*account"):
        canary.declare(switch, unit, f)


def test_no_mode_is_set_that_cannot_be_served(shadowed: Shadowed) -> None:
    shadowed.write("def price(n):\n    return n\n", "def price(n):\n    return n\n")
    shadowed.install("price")
    name = f"{shadowed.legacy_name}:price"
    with pytest.raises(MigrateError, match=r'declares no key, which a canary needs: key = "\$args.account"'):
        runtime.set_mode(name, "canary")
    held: Any = runtime._current
    held.refused[name] = "it differs in its signature"
    with pytest.raises(MigrateError, match="cannot be flipped: it differs in its signature"):
        runtime.set_mode(name, "rust")
    del held.refused[name]
    unit = held.units.pop(name)
    with pytest.raises(MigrateError, match="waits for its module to be imported"):
        runtime.set_mode(name, "rust")
    held.units[name] = unit
    assert unit.mode == "shadow"


def test_a_process_that_never_installed_says_what_to_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "exuvia.migrate.runtime")
    with pytest.raises(MigrateError, match="call exuvia.migrate.install\\(\\) first"):
        starting._installed()


@pytest.mark.skipif(sys.platform == "win32", reason="numbers are no matter there")
def test_a_descriptor_keeps_its_number_where_no_higher_one_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    reads, writes = os.pipe()
    monkeypatch.setattr(fcntl, "fcntl", refused(OSError))
    assert high(reads) == reads
    monkeypatch.undo()
    moved = high(reads)
    assert moved > reads
    os.close(moved)
    os.close(writes)


def test_what_a_signal_s_handler_raises_while_a_descriptor_is_looked_at_is_the_program_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads, writes = os.pipe()
    held = Held(reads, move=False)
    with monkeypatch.context() as alarmed:
        alarmed.setattr(own.os, "fstat", refused(TimeoutError))
        with pytest.raises(TimeoutError):
            held.number()
    held.close()
    os.close(writes)


def test_where_there_is_no_poll_select_says_what_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, writes = os.pipe()
    monkeypatch.delattr(own.select, "poll", raising=False)
    assert ready([reads], [writes], 0.0) == {writes}
    os.write(writes, b"x")
    assert ready([reads], [writes], 0.0) == {reads, writes}
    os.close(reads)
    os.close(writes)
