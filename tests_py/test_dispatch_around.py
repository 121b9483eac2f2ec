"""What stands around a unit: decorators, other modules, imports, canaries, patches of others, further processes."""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys
from typing import Any

import exuvia.migrate
import pytest
from exuvia.errors import ConfigError, MigrateError
from exuvia.migrate.dispatch.splice import Splice
from sided import CALLS, CLASS, Desk, current, desk, drained, says

__all__ = ["desk"]


def test_a_decorator_stays_around_both_sides_and_status_says_so(desk: Desk) -> None:
    module = desk.install("decorated", "by_object", mode="rust")
    assert module.decorated(1) == ("rust", 1)
    assert module.decorated.calls == 1
    assert module.by_object(1) == ("object", ("rust", 1))
    assert any("timed.<locals>.wrapper, which stay around both sides" in note for note in desk.status().notes)


def test_a_c_function_is_replaced_wherever_it_was_bound_or_that_is_listed(desk: Desk) -> None:
    module = desk.install("floor")
    frozen = (module.math.floor,)
    desk.flip("floor", "rust")
    calls = (lambda: module.floor(1.5), lambda: module.TABLE["floor"](1.5), lambda: module.LIST[1](1.5),
             lambda: module.CELL(1.5), lambda: module.floored(1.5), lambda: module.Holder.floor(1.5))  # fmt: skip
    assert [call() for call in calls] == [2] * 6
    assert any("has no code to exchange" in note for note in desk.status().notes)
    assert any("patched where it was bound earlier" in note for note in desk.status().notes)
    assert any("keep legacy, in" in note and "tuple" in note for note in desk.status().notes)
    assert frozen[0](1.5) == 1
    desk.flip("floor", "legacy")
    assert [call() for call in calls] == [1] * 6
    exuvia.migrate.uninstall()
    assert module.floor is module.TABLE["floor"] is module.LIST[1] is module.math.floor


def test_a_whole_module_moves_together(desk: Desk) -> None:
    package = desk.folder / f"pack_{desk.legacy_name}"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "core.py").write_text("def one(): return 'legacy'\ndef two(): return one()\nclass Kept: ...\n")
    (package / "rust.py").write_text("def one(): return 'rust'\ndef two(): return 'rust'\n")
    module = importlib.import_module(f"{package.name}.core")
    importlib.import_module(f"{package.name}.rust")
    desk.install(f"{package.name}:core", mode="rust", candidate=f"{package.name}:rust")
    assert (module.one(), module.two()) == ("rust", "rust")
    assert any("Kept stay legacy" in note for note in desk.status().notes)
    exuvia.migrate.set_mode(f"{package.name}:core", "legacy")
    assert (module.one(), module.two()) == ("legacy", "legacy")
    exuvia.migrate.uninstall()
    (package / "rust.py").write_text("def one(): return 'rust'\n")
    importlib.reload(importlib.import_module(f"{package.name}.rust")).__dict__.pop("two", None)
    with pytest.raises(MigrateError, match="has no two"):
        desk.install(f"{package.name}:core", mode="rust", candidate=f"{package.name}:rust")


def test_install_imports_nothing_that_the_program_has_not(desk: Desk) -> None:
    desk.install("plain", mode="rust", imported=False)
    assert desk.legacy_name not in sys.modules
    assert desk.candidate_name not in sys.modules
    assert any("is not imported yet" in note for note in desk.status().notes)
    module = importlib.import_module(desk.legacy_name)
    assert says(CALLS["plain"](module), "rust")
    assert type(module.__spec__.loader).__module__ == "_frozen_importlib_external"
    assert module.__loader__ is module.__spec__.loader
    exuvia.migrate.uninstall()
    assert not any(type(finder).__name__ == "ImportWatch" for finder in sys.meta_path)


def test_a_unit_that_is_not_there_is_refused_before_anything_is_imported(desk: Desk) -> None:
    for name, match in (("plane", "'plane' is not there; there is 'plain'"), ("Book.methods", "there is 'method'")):
        with pytest.raises(ConfigError, match=match):
            desk.install(name, mode="shadow", imported=False)
    with pytest.raises(ConfigError, match="no such module is found"):
        exuvia.migrate.install(desk.write("missing_module:f", mode="shadow", candidate=f"{desk.candidate_name}:plain"))
    assert desk.legacy_name not in sys.modules


def test_the_hook_never_breaks_an_import(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    (desk.folder / f"{desk.candidate_name}.py").write_text("raise OSError('a broken candidate')\nplain = None\n")
    desk.install("plain", mode="rust", imported=False)
    module = importlib.import_module(desk.legacy_name)
    assert says(CALLS["plain"](module), "legacy")
    assert "a broken candidate" in " ".join(desk.status().notes)
    for _ in range(20):
        current().arrivals()
    assert "a broken candidate" in " ".join(desk.status().notes)
    assert "legacy serves" in capsys.readouterr().err
    sys.modules.pop(desk.legacy_name)
    (desk.folder / f"{desk.legacy_name}.py").write_text("raise ZeroDivisionError('the program own')\n")
    importlib.invalidate_caches()
    with pytest.raises(ZeroDivisionError, match="the program own"):
        importlib.import_module(desk.legacy_name)


def test_a_canary_of_a_class_chooses_for_each_new_object_and_its_objects_are_its_own(desk: Desk) -> None:
    (desk.folder / f"{desk.legacy_name}.py").write_text(CLASS.format(side="legacy"))
    (desk.folder / f"{desk.candidate_name}.py").write_text(CLASS.format(side="rust"))
    module = desk.install("Desk", mode="canary", more='key = "$args.account"\nshare = 0.5')
    made = {account: module.Desk(account) for account in (f"A{number}" for number in range(200))}
    sides = [each.side() for each in made.values()]
    assert 60 < sides.count("rust") < 140
    assert all(isinstance(each, module.Desk) for each in made.values())
    assert [module.Desk(account=account).side() for account in made] == sides
    desk.flip("Desk", "legacy")
    assert {module.Desk(account).side() for account in made} == {"legacy"}


def test_a_canary_of_a_function_in_a_program(desk: Desk) -> None:
    module = desk.install("plain", mode="canary", more='key = "$args.x"\nshare = 0.3')
    served = [module.plain(number)[0] for number in range(1_000)]
    assert 220 < served.count("rust") < 380
    assert [module.plain(x=number)[0] for number in range(1_000)] == served
    counts = current().units[f"{desk.legacy_name}:plain"].switch.counts()
    assert counts["canary_calls"] == 2 * served.count("rust")


def test_a_patch_of_someone_else_is_seen_at_the_next_look(desk: Desk) -> None:
    module = desk.install("plain", mode="rust")
    ours, module.plain.__code__ = module.plain.__code__, (lambda x=1, *, y=2: ("theirs", x, y)).__code__
    assert any("patched by someone else" in note for note in desk.status().notes)
    assert module.plain() == ("theirs", 1, 2)
    module.plain.__code__ = ours


def test_a_spawned_process_without_exuvia_is_named(desk: Desk) -> None:
    desk.install("plain", mode="rust")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        note = f"process {child.pid}, started by this one, runs without"
        assert sys.platform != "linux" or any(note in each for each in desk.status().notes)
    finally:
        child.kill()
        child.wait()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_follows_a_rollback_and_has_a_place_of_its_own(desk: Desk) -> None:
    module = desk.install("plain", mode="rust")
    read, write = os.pipe()
    go, gone = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(gone)
        os.write(write, module.plain()[0][:1].encode())
        os.read(go, 1)
        os.write(write, module.plain()[0][:1].encode())
        os._exit(0)
    assert os.read(read, 1) == b"r"
    assert child in [member.pid for member in current().control.fleet.others()]
    from exuvia.migrate.modes import rollback

    rollback.rollback(str(desk.config), None, [], "drill")
    os.write(gone, b"x")
    assert os.read(read, 1) == b"l"
    assert module.plain()[0] == "legacy"
    os.waitpid(child, 0)
    assert child not in [member.pid for member in current().control.fleet.others()]
    for descriptor in (read, write, go, gone):
        os.close(descriptor)


def test_names_of_parameters_that_the_trampoline_uses_do_not_meet() -> None:
    async def odd(_relay: int, StopAsyncIteration: int = 1) -> Any:  # noqa: A002, N803 - a name that could shadow
        yield _relay, StopAsyncIteration

    async def other(first: Any, second: Any) -> Any:
        yield "other", first, second

    Splice(odd, other).apply()
    assert asyncio.run(drained(odd(5))) == [("other", 5, 1)]
