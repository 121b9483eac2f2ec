"""The workbench where something is odd: what cannot be written down, made, compared, read or found."""

from __future__ import annotations

import mmap
import os
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from commands import exuvia
from exuvia.errors import CompareError, ConfigError, MigrateError
from exuvia.migrate import Comparator, extension, load
from exuvia.migrate.evidence import reading
from exuvia.migrate.evidence.record import Record
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.workbench import differing, health, recordings, selfnoise, sides, starting
from exuvia.migrate.workbench.eject import Ejection, texts
from exuvia.migrate.workbench.literal import DEEPEST, written
from exuvia.migrate.workbench.originals import original
from exuvia.migrate.workbench.replay import replay
from exuvia.migrate.workbench.repro import _written, reproduce
from exuvia.migrate.workbench.selfnoise import against_itself
from exuvia.migrate.workbench.shrink import shrunk, smallest
from exuvia.migrate.workbench.sides import Case, Sides, Step, UnreadError, resolve

if TYPE_CHECKING:
    from exuvia.migrate.config import Config

CONFIG = '[unit."{legacy}:{name}"]\ncandidate = "{candidate}:{name}"\neffect = "pure"\n{more}\n'
NUMBER = iter(range(10_000))


class Desk:
    """Two modules of names that no other test has, their configuration, and calls that were recorded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.legacy, self.candidate = (f"{side}{next(NUMBER)}" for side in ("mine", "theirs"))

    def write(self, text: str, other: str = "", name: str = "f", more: str = "") -> Config:
        (self.folder / f"{self.legacy}.py").write_text(text)
        (self.folder / f"{self.candidate}.py").write_text(other or text)
        path = self.folder / "exuvia.toml"
        path.write_text(CONFIG.format(legacy=self.legacy, candidate=self.candidate, name=name, more=more))
        path.chmod(0o600)
        return load(path)

    def record(self, *calls: tuple[Any, ...], name: str = "f") -> None:
        unit = f"{self.legacy}:{name}"
        segment = Segment(self.folder / "evidence", {"fingerprints": {unit: "x"}})
        kept = Record(unit, segment.write, record=1000)
        for number, args in enumerate(calls):
            assert kept.sampled("", pickle.dumps((args, {})), pickle.dumps((None, None)), signature=number)
        segment.close()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.syspath_prepend(str(tmp_path))
    return Desk(tmp_path)


def read_back(value: object) -> Any:
    """What the written source of a value makes."""
    text, imports = written(value)
    space: dict[str, Any] = {}
    exec("\n".join(imports), space)  # noqa: S102
    return text, eval(text, space)  # noqa: S307


def test_what_has_no_literal_is_written_as_its_pickle() -> None:
    deep: Any = 1
    for _ in range(DEEPEST + 2):
        deep = [deep]
    for value in (bytearray(b"abc"), deep, range(3)):
        text, made = read_back(value)
        assert text.startswith("pickle.loads(base64.b64decode(")
        assert made == value
    assert read_back([1, "a"]) == ("[1, 'a']", [1, "a"])


def test_a_class_that_no_import_reaches_is_not_written_as_one() -> None:
    from dataclasses import make_dataclass

    inner = make_dataclass("inner", [("n", int)], namespace={"__qualname__": "f.<locals>.inner"})
    with pytest.raises((pickle.PicklingError, AttributeError)):
        written(inner(3))


def test_arguments_by_name_shrink_as_those_by_place_do() -> None:
    case = Case((Step("", (500,), {"side": "Buy", "n": 700, "maybe": None}),))
    small = smallest(case, lambda tried: tried.steps[0].args[0] >= 3 and tried.steps[0].kwargs["n"] >= 5)
    assert small.steps[0].args == (3,)
    assert small.steps[0].kwargs == {"side": "", "n": 5, "maybe": None}
    assert shrunk(True, lambda _: True) is True


def test_a_side_that_cannot_be_loaded_says_where_to_run(desk: Desk) -> None:
    desk.write("def f(n):\n    return n\n")
    for name in (f"{desk.legacy}:g", "nowhere_at_all:f"):
        with pytest.raises(ConfigError, match="cannot be loaded: .*: run this where the program runs"):
            resolve(name)


def test_rules_of_a_method_hold_for_it_alone(desk: Desk) -> None:
    more = 'compare = { "add:$.x" = "ulp:4", "$.y" = "number" }'
    config = desk.write("class C:\n    def add(self, n):\n        return n\n", name="C", more=more)
    made = Sides(next(iter(config.units.values())))
    assert made.rules("add") == {"$.x": "ulp:4", "$.y": "number"}
    assert made.rules("other") == {"$.y": "number"}


def sides_of(desk: Desk, text: str, other: str = "", name: str = "f") -> Sides:
    return Sides(next(iter(desk.write(text, other, name).units.values())))


def test_an_async_function_is_played_to_its_end(desk: Desk) -> None:
    made = sides_of(desk, "async def f(n):\n    return n * 2\n", "async def f(n):\n    return n * 3\n")
    (found,) = made.compare(Case((Step("", (2,), {}),)))
    assert (found.difference.legacy, found.difference.candidate) == ("4", "6")
    assert made.compare(Case((Step("", (0,), {}),))) == []


def test_an_interrupt_while_a_recorded_call_is_played_is_the_users(desk: Desk) -> None:
    made = sides_of(desk, "def f(n):\n    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        made.play(made.legacy, Case((Step("", (2,), {}),)))


MAKES = "class C:\n    def __init__(self, n):\n        {body}\n    def add(self, n):\n        return n\n"


def test_an_object_that_only_one_side_makes_is_a_difference_and_nothing_is_called_on_none(desk: Desk) -> None:
    refuses = MAKES.format(body="raise ValueError(n)")
    made = sides_of(desk, MAKES.format(body="pass"), refuses, "C")
    case = Case((Step("__init__", (1,), {}), Step("add", (2,), {})))
    assert [len(made.play(side, case)) for side in (made.legacy, made.candidate)] == [2, 1]
    (found,) = made.compare(case)
    assert (found.step, "ValueError" in found.difference.candidate) == (0, True)
    one = made.play(made.legacy, case)
    with pytest.raises(CompareError, match="one side made an object and the other did not"):
        made.differences(case, one, one[:1])


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let every comparison of two sides fail."""

    def differences(*_: object) -> Any:
        raise error

    monkeypatch.setattr(sides.Sides, "differences", differences)


def test_a_call_that_cannot_be_compared_is_named_and_nothing_is_said_to_pass(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = desk.write("def f(n):\n    return n\n")
    desk.record((1,), (2,))
    (unit,) = config.units.values()
    failing(monkeypatch, CompareError("two columns bear one name"))
    recorded = recordings.read(config)
    replayed = replay(unit, recorded)
    assert (replayed.verdict, replayed.calls, len(replayed.problems)) == ("INCONCLUSIVE", 0, 2)
    assert replayed.reason.endswith(": CompareError: two columns bear one name")
    monkeypatch.setattr(selfnoise, "_elsewhere", lambda *_: [])
    noise = against_itself(unit, recorded)
    assert (noise.calls, len(noise.problems)) == (0, 2)
    with pytest.raises(MigrateError, match="none of 2 recorded calls differs now: there is nothing to reproduce$"):
        reproduce(unit, recorded, None, desk.folder)
    failing(monkeypatch, UnreadError("changed arguments cannot be read"))
    with pytest.raises(MigrateError, match="2 cases are not known to be equal: changed arguments cannot be read"):
        reproduce(unit, recorded, None, desk.folder)


def test_without_a_recorded_call_there_is_nothing_to_reproduce(desk: Desk) -> None:
    config = desk.write("def f(n):\n    return n\n")
    (unit,) = config.units.values()
    with pytest.raises(MigrateError, match="no call was recorded: run it in shadow with record = 1 or more"):
        reproduce(unit, recordings.read(config), None, desk.folder)


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_recorded_calls_that_others_may_write_are_not_unpickled(desk: Desk) -> None:
    config = desk.write("def f(n):\n    return n\n")
    desk.record((1,))
    texts = reading.read_folder(config.evidence)
    assert len(recordings.read(config, segments=texts).calls) == 1
    texts[0].path.chmod(0o666)
    found = recordings.read(config, segments=texts)
    assert found.calls == []
    assert found.problems[0].startswith("recorded calls are not read: ")
    (unit,) = config.units.values()
    assert replay(unit, found).reason == found.problems[0]


def test_a_case_with_what_only_a_pickle_holds_imports_what_reads_it(desk: Desk) -> None:
    text = "def f(n):\n    return len(n)\n"
    config = desk.write(text, text + "f = lambda n: len(n) + 1\n")
    desk.record((bytearray(b"abc"),))
    (unit,) = config.units.values()
    made = reproduce(unit, recordings.read(config), None, desk.folder)
    assert "import base64\n" in made.text
    assert "import pickle\n" in made.text
    compile(made.text, "repro", "exec")


def test_a_folder_that_shares_nothing_with_the_file_is_named_as_it_is(tmp_path: Path) -> None:
    assert "'/elsewhere/bot'" in _written({"/elsewhere/bot": "bot.py"}, tmp_path)
    assert str(tmp_path) not in _written({str(tmp_path / "bot"): "bot.py"}, tmp_path / "repros")


def test_two_kinds_of_noise_at_one_place_are_covered_by_no_rule_but_ignore(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "N = iter([1, 1.5, 1.0, 'a', 2, None, 3.5, 3.25] * 50)\ndef f(n):\n    return {'x': next(N)}\n"
    config = desk.write(text)
    desk.record((1,), (2,), (3,), (4,))
    monkeypatch.setattr(selfnoise, "_elsewhere", lambda *_: [])
    noise = against_itself(next(iter(config.units.values())), recordings.read(config))
    assert len({kind for place, kind in noise.places if place == "$.x"}) > 1
    assert noise.proposals["$.x"] == selfnoise.IGNORE


def test_legacy_that_cannot_be_run_in_another_process_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    config = desk.write("def f(n):\n    return n\n")
    desk.record((1,))
    (unit,) = config.units.values()
    recorded = recordings.read(config)
    monkeypatch.setattr(selfnoise, "CHILD", "import sys; sys.exit('no room')")
    assert against_itself(unit, recorded).problems == ["legacy could not be run in another process: no room"]
    monkeypatch.setattr(selfnoise, "CHILD", "print('nothing')")
    (said,) = against_itself(unit, recorded).problems
    assert said.startswith("legacy could not be run in another process: ")
    monkeypatch.setattr(selfnoise, "TIMEOUT_S", 0.05)
    monkeypatch.setattr(selfnoise, "CHILD", "import time; time.sleep(60)")
    (said,) = against_itself(unit, recorded).problems
    assert "TimeoutExpired" in said


def test_more_examples_than_are_shown_are_counted() -> None:
    entry = {"number": 1, "current": True}
    shown: Any = SimpleNamespace(unit="a:f", verdict="FAIL", reason="differs", counts=[], entries=[entry] * 5)
    assert differing.lines(shown, 2)[-1] == "… and 3 more: --most 5"
    assert "more: --most" not in "\n".join(differing.lines(shown, 5))


def test_what_is_no_python_function_is_its_own_original() -> None:
    assert original(len) is len
    assert original(Comparator) is Comparator


def test_a_name_that_is_not_found_cannot_be_moved(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("def f():\n    return 1\n")
    assert starting._can_move("m:f", [tmp_path])
    assert not starting._can_move("m:g", [tmp_path])
    assert not starting._can_move("gone:f", [tmp_path])


def check(found: Any, name: str) -> tuple[str, str]:
    """State and finding of the one check of that name."""
    (one,) = [each for each in found if each.name == name]
    return one.state, one.found


def test_the_doctor_says_once_that_the_extension_does_not_load_and_looks_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("def f(n):\n    return n\n")

    def absent(*_: object) -> Any:
        raise ImportError("no _exuvia")

    monkeypatch.setattr(extension, "trouble", lambda: "the extension does not load (odd)")
    monkeypatch.setattr(health, "_formats", absent)
    found = health.examine(str(desk.folder / "exuvia.toml"))
    assert check(found, "extension") == ("fail", "the extension does not load (odd)")
    assert check(found, "evidence files") == ("warn", "this cannot be looked at without the extension")
    assert check(found, "disk")[0] == "ok"


def test_a_binary_that_is_older_than_the_sources_beside_it_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "python" / "exuvia"
    (package / "migrate" / "workbench").mkdir(parents=True)
    (tmp_path / "rust").mkdir()
    (tmp_path / "Cargo.toml").touch()
    (package / "_exuvia.abi3.so").touch()
    (tmp_path / "rust" / "lib.rs").touch()
    monkeypatch.setattr(health, "__file__", str(package / "migrate" / "workbench" / "health.py"))
    os.utime(package / "_exuvia.abi3.so", (2_000, 2_000))
    os.utime(tmp_path / "rust" / "lib.rs", (1_000, 1_000))
    assert [each.name for each in health._extension() if each.name == "stale binary"] == []
    os.utime(tmp_path / "rust" / "lib.rs", (3_000, 3_000))
    assert check(health._extension(), "stale binary") == ("fail", "Rust sources are newer than the extension")


def test_a_page_that_cannot_be_mapped_is_a_warning_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> Any:
        raise OSError(19, "No such device")

    with monkeypatch.context() as odd:
        odd.setattr(mmap, "mmap", refused)
        assert check(health._mapping(tmp_path), "page") == (
            "warn",
            f"no page can be mapped at {tmp_path}: [Errno 19] No such device",
        )
    with monkeypatch.context() as odd:
        odd.setattr(Path, "read_text", refused)
        assert health._file_system(tmp_path) == ""
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "none /somewhere/else ext4 rw 0 0\n")
    assert health._file_system(tmp_path) == ""


def test_files_of_a_newer_exuvia_and_files_that_are_hurt_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def text(name: str, trouble: str | None) -> Any:
        return SimpleNamespace(path=tmp_path / name, trouble=trouble)

    found = [text("a", None), text("b", "b was written by a newer exuvia"), text("c", "c ends in a torn frame")]
    monkeypatch.setattr(reading, "read_folder", lambda _: found)
    looked = list(health._formats(tmp_path))
    assert check(looked, "format") == ("fail", "b was written by a newer exuvia")
    assert check(looked, "evidence files") == ("warn", "1 of 3: c ends in a torn frame")


@pytest.mark.parametrize(
    ("says", "state"), [("yes\n", "ok"), ("no\n", "warn"), ("", "warn")], ids=["synchronised", "not", "unknown"]
)
def test_the_clock_is_as_the_system_says(
    says: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "timedatectl"
    program.write_text(f"#!/bin/sh\nprintf '{says.strip()}'\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    found = [each for each in health._clock(tmp_path, lambda: 2e9) if each.found.find("synchronised") >= 0]
    assert [each.state for each in found] == [state]
    assert ("not synchronised" in found[0].found) == (says == "no\n")


def test_links_are_not_followed_and_what_is_no_text_is_left_alone_by_an_ejection(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("python -m bot\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert texts.named(tmp_path) == [tmp_path / "run.sh"]
    ejection = Ejection(tmp_path)
    (tmp_path / "run.sh").write_bytes(b"exuvia \xff\xfe\n")
    texts.take_out(ejection, tmp_path / "run.sh")
    assert (ejection.changed, ejection.by_hand) == ({}, [])
    (tmp_path / "run.sh").write_text("which exuvia || exit 1\n")
    texts.take_out(ejection, tmp_path / "run.sh")
    assert (ejection.changed, ejection.by_hand) == ({}, ["run.sh:1: which exuvia || exit 1"])


def test_names_taken_from_the_package_of_a_shim_and_guards_that_do_more_are_put_right(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text("def slow(n):\n    return n * 2\n")
    (tmp_path / "exuvia.toml").write_text(
        '[unit."lib:slow"]\ncandidate = "exuvia_shims.lib:slow"\neffect = "pure"\nmode = "shadow"\n'
    )
    (tmp_path / "exuvia.toml").chmod(0o600)
    assert exuvia(tmp_path, "scaffold", "lib:slow").returncode == 0
    (tmp_path / "prog.py").write_text(
        "from exuvia_shims import lib\n"
        "from exuvia_shims import lib as fast\n"
        "try:\n    import exuvia.migrate\nexcept ImportError:\n    pass\nelse:\n    print('else')\n"
        "print(lib.slow(2), fast.slow(3))\n"
    )
    shown = exuvia(tmp_path, "eject")
    assert "+import lib\n" in shown.stdout, shown
    assert "+import lib as fast\n" in shown.stdout
    assert "-    import exuvia.migrate\n" in shown.stdout
    assert "print('else')" not in [line[1:].strip() for line in shown.stdout.splitlines() if line.startswith("-")]
