"""Back to legacy: by hand, by signal, by file, by itself; with nothing but the standard library; and measured."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from commands import environment, exuvia
from desk import Gate, desk, lines, same_surface, stands
from exuvia.errors import ConfigError, MigrateError
from exuvia.migrate import config as configuration
from exuvia.migrate.cli.main import main
from exuvia.migrate.evidence import reading
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.modes import overlays, rollback, standing, steps, writing
from running_bot import PRICE, SHIM, Bot, bots, in_rust, posix
from test_cli import project

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = ["bots", "project"]


def test_a_rollback_names_units_groups_or_everything(tmp_path: Path) -> None:
    config = in_rust(tmp_path, groups='[group.desk]\nunits = ["bot:size"]\n')
    done = rollback.rollback(str(config.path), None, ["desk"], "x")
    assert (done.units, stands(config, "bot:size"), stands(config, PRICE)) == (["desk"], "legacy", "rust")
    assert rollback.rollback(str(config.path), None, [], "x").units == ["*"]
    assert stands(config, PRICE) == "legacy"
    with pytest.raises(ConfigError, match="nothing was put back: .*did you mean 'bot:price'"):
        rollback.rollback(str(config.path), None, [PRICE, "bot:prise"], "x")


def test_what_the_journal_holds_names_the_next_step_and_that_step_exists(tmp_path: Path) -> None:
    config = in_rust(tmp_path)
    rollback.rollback(str(config.path), None, [], "drill")
    said = modes.read(config.evidence).held(PRICE, "rust")
    assert said is not None
    assert said.endswith(f"(drill): exuvia promote {PRICE} --to shadow")
    (outcome,) = steps.promote(config, [PRICE], "shadow", "x", judge=Gate(), surface=same_surface)
    assert outcome.promoted
    assert str(modes.read(config.evidence).held(PRICE, "rust")).endswith(f"exuvia promote {PRICE} --to canary")


def test_what_holds_a_unit_names_it_once_and_a_group_says_which_of_its_units_holds_all(tmp_path: Path) -> None:
    config = desk(tmp_path, climbed=False, groups='[group.desk]\nunits = ["bot:*"]\n')
    modes.append(config.evidence, PRICE, "rust", "x")
    held = standing.of_unit(config, modes.read(config.evidence), PRICE)
    assert held.why == (
        "group desk flips as one, and its unit bot:size was never promoted, so it stands in legacy; the file allows "
        "rust: run exuvia promote desk --to shadow"
    )
    overlays.quarantine(config, PRICE, "it died")
    journal = modes.read(config.evidence)
    assert standing.of_unit(config, journal, PRICE).why == "is in quarantine: it died"
    assert standing.of_unit(config, journal, "bot:size").why == (
        "group desk flips as one, and its unit bot:price is in quarantine: it died"
    )


def test_objects_that_go_on_are_told_of_only_where_a_class_was_put_back(tmp_path: Path) -> None:
    config = in_rust(tmp_path)
    given = str(config.path)
    assert rollback.LIVING not in rollback.rollback(given, None, [], "x").lines
    bot = tmp_path / "bot.py"
    bot.write_text(bot.read_text().replace("def size(account, n=1):\n    return n * 2", "class size:\n    n = 2"))
    assert rollback.rollback(given, None, [], "x").lines[-1] == rollback.LIVING
    assert rollback.LIVING not in rollback.rollback(given, None, [PRICE], "x").lines
    assert rollback.rollback(given, None, ["bot:size"], "x").lines[-1] == rollback.LIVING
    # Where the source cannot be looked at, nobody knows: that is said too.
    bot.unlink()
    assert rollback.rollback(given, None, [PRICE], "x").lines[-1] == rollback.LIVING


def test_a_file_in_the_evidence_folders_place_is_named_with_what_to_do(tmp_path: Path) -> None:
    config = desk(tmp_path, climbed=False)
    config.evidence.write_text("not a folder")
    with pytest.raises(OSError, match=r"evidence: a file stands where the evidence folder must be: move it away"):
        rollback.rollback(str(config.path), None, [], "x")


def test_from_retired_the_way_back_is_named_and_the_others_go_back(tmp_path: Path) -> None:
    config = in_rust(tmp_path)
    modes.append(config.evidence, PRICE, "retired", "by a later exuvia")
    done = rollback.rollback(str(config.path), None, [], "x")
    assert (done.units, done.retired) == (["bot:size"], [PRICE])
    assert "git revert" in " ".join(done.lines)
    assert "image that was kept" in " ".join(done.lines)
    assert modes.read(config.evidence).said(PRICE) == "retired"
    assert rollback.rollback(str(config.path), None, [PRICE], "x").units == []


MAIN = "from exuvia.migrate.cli.main import main; sys.exit(main(sys.argv[1:]))"
WITHOUT = """
import sys
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name == "exuvia._exuvia":
            raise ImportError("cannot load the extension")
sys.meta_path.insert(0, Gone())
import site
allowed = set(sys.stdlib_module_names) | {"exuvia", "__main__", "sitecustomize", "usercustomize"}
before = set(sys.modules)
from exuvia.migrate.cli.main import main
code = main(sys.argv[1:])
foreign = {name.partition(".")[0] for name in set(sys.modules) - before} - allowed
assert not foreign, foreign
sys.exit(code)
"""


@pytest.mark.parametrize("broken", [False, True])
def test_a_rollback_needs_no_extension_no_other_package_and_no_good_configuration(tmp_path: Path, broken: bool) -> None:
    config = in_rust(tmp_path)
    if broken:
        config.path.write_text("[exuvia\n")
    words = [sys.executable, "-c", WITHOUT, "rollback", "--json", "--config", str(config.path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["overall"], said["units"]) == ("PASS", ["*"])
    assert modes.read(config.evidence).effective(PRICE, "rust") == "legacy"


def test_a_rollback_does_not_even_try_to_load_the_extension_which_may_end_the_process(tmp_path: Path) -> None:
    config = in_rust(tmp_path)
    copy = tmp_path / "broken"
    left = shutil.ignore_patterns("_exuvia*", "__pycache__")
    shutil.copytree(Path(importlib.util.find_spec("exuvia").origin or "").parent, copy / "exuvia", ignore=left)
    # As a file for another processor ends a process in the middle of its loading.
    (copy / "exuvia" / "_exuvia.py").write_text("import os\nos.abort()\n")
    words = [sys.executable, "-P", "-c", "import sys, site; sys.path.insert(0, sys.argv.pop(1))\n" + MAIN, str(copy)]
    words += ["rollback", "--config", str(config.path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert (done.returncode, "legacy; running processes follow" in done.stdout) == (0, True), done.stderr
    assert modes.read(config.evidence).effective(PRICE, "rust") == "legacy"


def test_a_rollback_works_on_a_journal_that_cannot_be_trusted(tmp_path: Path) -> None:
    config = in_rust(tmp_path)
    path = config.evidence / modes.JOURNAL
    path.write_bytes(path.read_bytes().replace(b'"for the test"', b'"for the text"', 1))
    assert modes.read(config.evidence).broken is not None
    rollback.rollback(str(config.path), None, [], "all the same")
    assert b"all the same" in path.read_bytes()


def test_where_the_journal_cannot_be_written_the_kill_file_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = in_rust(tmp_path, 'kill_file = "STOP"')

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "write", full)
    done = rollback.rollback(str(config.path), None, [PRICE], "x")
    assert "the kill file" in done.lines[0]
    assert stat.S_IMODE((tmp_path / "STOP").stat().st_mode) == 0o600
    assert stands(config, PRICE) == "legacy"
    config.path.write_text(config.path.read_text().replace("kill_file", "# kill_file"))
    (config.evidence / "modes.page").unlink()
    with pytest.raises(MigrateError, match=r"No space left.*nothing was lowered \(there is no .*kill -USR2 PID"):
        rollback.rollback(str(config.path), None, [PRICE], "x")
    config.path.write_text(config.path.read_text().replace("# kill_file", "kill_file"))
    (tmp_path / "STOP").unlink()
    (tmp_path / "STOP").symlink_to(tmp_path / "none" / "STOP")
    with pytest.raises(MigrateError, match="nor can the kill file be made"):
        rollback.rollback(str(config.path), None, [PRICE], "x")


@posix
def test_where_nothing_can_be_written_running_processes_go_back_all_the_same_and_stay_there(
    tmp_path: Path, bots: Callable[[Path], Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = in_rust(tmp_path)
    bot = bots(tmp_path)
    bot.until(-1.0)
    journal = config.evidence / modes.JOURNAL

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(writing.os, "write", full)
        with pytest.raises(MigrateError, match="lowered in running processes, not on record: .*free space and run it"):
            rollback.rollback(str(config.path), None, [PRICE], "x")
    assert bot.price() != -1.0, "at the next call"
    assert stands(config, PRICE) == "rust", "nothing is on record"
    # The time of a journal changes though its text does not: whoever follows it must not raise the page again.
    os.utime(journal)
    time.sleep(0.6)
    assert bot.price() != -1.0
    later = bots(tmp_path)
    assert later.price() != -1.0, "who starts meanwhile reads the page too"
    rollback.rollback(str(config.path), None, [PRICE], "again, with room")
    assert stands(config, PRICE) == "legacy"
    modes.append(config.evidence, PRICE, "rust", "a new entry counts again")
    bot.until(-1.0)


def test_a_full_disk_gets_the_entry_in_the_room_that_was_kept_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = in_rust(tmp_path)
    room = config.evidence / writing.ROOM
    assert room.stat().st_blocks * 512 >= room.stat().st_size == writing.ROOM_BYTES
    real: Callable[[int, bytes], int] = os.write

    def full(descriptor: int, data: bytes) -> int:
        # What fits into the last block is written, as a file system does.
        if room.exists():
            return real(descriptor, data[:7])
        return real(descriptor, data)

    before = (config.evidence / modes.JOURNAL).read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(writing.os, "write", full)
        rollback.rollback(str(config.path), None, [], "on a full disk")
    after = (config.evidence / modes.JOURNAL).read_bytes()
    assert (after[: len(before)], after[len(before) :].count(b"\n")) == (before, 1), "no part of a line is left"
    assert stands(config, PRICE) == "legacy"
    assert modes.read(config.evidence).broken is None
    modes.append(config.evidence, PRICE, "legacy", "there is room again")
    assert room.stat().st_size == writing.ROOM_BYTES


def test_what_the_kill_file_said_outlives_it(tmp_path: Path) -> None:
    config = in_rust(tmp_path, 'kill_file = "STOP"')
    assert not rollback.by_kill_file(config)
    (tmp_path / "STOP").touch(0o600)
    assert rollback.by_kill_file(config)
    assert not rollback.by_kill_file(config), "once is enough"
    (tmp_path / "STOP").unlink()
    assert stands(config, PRICE) == "legacy"


@posix
@pytest.mark.parametrize("how", ["hand", "signal", "file", "quarantine"])
def test_every_running_process_goes_back_and_a_restart_stays_there(
    tmp_path: Path, bots: Callable[[Path], Bot], how: str
) -> None:
    config = in_rust(tmp_path, 'kill_file = "STOP"')
    one, two = bots(tmp_path), bots(tmp_path)
    assert (one.price(), two.price()) == (-1.0, -1.0)
    if how == "hand":
        assert exuvia(tmp_path, "rollback", "--reason", "by hand").returncode == 0
    elif how == "signal":
        os.kill(one.process.pid, signal.SIGUSR2)
    elif how == "file":
        (tmp_path / "STOP").touch(0o600)
    else:
        overlays.quarantine(config, PRICE, "a call differed")
    one.until(1.25)
    two.until(1.25)
    deadline = time.monotonic() + 5
    while how == "file" and modes.read(config.evidence).said(PRICE) != "legacy" and time.monotonic() < deadline:
        time.sleep(0.05)
    (tmp_path / "STOP").unlink(missing_ok=True)
    assert stands(config, PRICE) == "legacy"
    assert bots(tmp_path).price() == 1.25
    said = one.close()
    assert ("signal SIGUSR2" in said) == (how == "signal"), said


def test_other_code_than_was_promoted_stands_in_shadow_and_says_so(tmp_path: Path, bots: Callable[[Path], Bot]) -> None:
    config = desk(tmp_path)
    (tmp_path / "shim.py").write_text(SHIM)
    bots(tmp_path).close()
    (one, two) = reading.statuses(config, reading.read_folder(config.evidence))
    f = {one.unit: one.fingerprint, two.unit: two.fingerprint}
    modes.append(config.evidence, PRICE, "rust", "x", f=f)
    same = bots(tmp_path)
    assert same.price() == -1.0
    (tmp_path / "shim.py").write_text(SHIM + "# a hot fix\n")
    fixed = bots(tmp_path)
    assert fixed.price() == 1.25
    (state, _) = reading.statuses(config, reading.read_folder(config.evidence))
    assert (state.effective, "it was promoted as F" in " ".join(state.notes)) == ("shadow", True)
    assert "the count of sessions starts again" in fixed.close()
    assert same.price() == -1.0, "what runs already runs what was promoted"


@posix
def test_a_program_with_a_handler_of_its_own_keeps_it(tmp_path: Path) -> None:
    in_rust(tmp_path)
    code = """
import os, signal, time
got = []
signal.signal(signal.SIGUSR2, lambda *_: got.append(1))
import exuvia.migrate
exuvia.migrate.install()
import bot
os.kill(os.getpid(), signal.SIGUSR2)
time.sleep(1.5)
print(got, bot.price("a"))
"""
    words = [sys.executable, "-c", code]
    env = environment(PYTHONPATH=str(tmp_path))
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "[1] -1.0\n", done


@posix
def test_a_forked_child_takes_the_signal_for_itself(tmp_path: Path) -> None:
    config = in_rust(tmp_path)
    code = """
import os, signal, time
import exuvia.migrate
exuvia.migrate.install()
import bot
child = os.fork()
if not child:
    end = time.monotonic() + 20
    while bot.price("a") != 1.25 and time.monotonic() < end:
        time.sleep(0.02)
    os._exit(0 if bot.price("a") == 1.25 else 1)
time.sleep(0.5)
os.kill(child, signal.SIGUSR2)
assert os.waitpid(child, 0)[1] == 0
"""
    words = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
    env = environment(PYTHONPATH=str(tmp_path))
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert lines(config)[-1]["reason"] == "signal SIGUSR2"


def test_the_commands_print_json_and_exit_by_the_verdict(project: Path) -> None:
    exuvia(project, "run", "-m", "prog")
    nothing = exuvia(project, "drill", PRICE, "--json")
    said = json.loads(nothing.stdout)
    assert (nothing.returncode, said["overall"], said["put_back"]) == (3, "INCONCLUSIVE", False)
    text = exuvia(project, "drill", PRICE)
    assert (text.returncode, "INCONCLUSIVE: no process runs" in text.stdout) == (3, True)
    checked = exuvia(project, "promote", PRICE, "--to", "shadow", "--check", "--json")
    assert (checked.returncode, json.loads(checked.stdout)["overall"]) == (0, "PASS")
    assert not (project / "evidence" / modes.JOURNAL).exists()
    frozen = exuvia(project, "promote", "--freeze", "audit")
    assert (frozen.returncode, "frozen" in frozen.stdout) == (0, True)
    refused = exuvia(project, "promote", PRICE, "--to", "shadow")
    assert (refused.returncode, refused.stderr) == (3, f"{PRICE}: refused, INCONCLUSIVE: frozen\n")
    assert "frozen     INCONCLUSIVE frozen by" in refused.stdout
    assert exuvia(project, "promote", "--thaw", "done", PRICE, "--to", "shadow").returncode == 0
    assert exuvia(project, "promote", "--clear", "x").returncode == 2
    overlays.quarantine(configuration.load(project / "exuvia.toml"), PRICE, "a call differed")
    held = " ".join(exuvia(project, "status").stdout.split())
    assert "in quarantine, a call differed): exuvia promote bot:price --clear CAUSE" in held
    cleared = exuvia(project, "promote", PRICE, "--clear", "mended", "--to", "shadow")
    assert (cleared.returncode, "quarantine cleared" in cleared.stdout) == (0, True), cleared
    listed = exuvia(project, "promote", PRICE, "--to", "shadow", "--check")
    assert listed.returncode == 0
    assert exuvia(project, "promote", PRICE).returncode == 2
    assert exuvia(project, "promote", PRICE, "--to", "retired").returncode == 2
    rolled = exuvia(project, "rollback", PRICE, "--json")
    assert (rolled.returncode, json.loads(rolled.stdout)["units"]) == (0, [PRICE])


def test_a_folder_that_was_mistyped_puts_nothing_back_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = desk(tmp_path)
    wrong = tmp_path / "evidense"
    assert main(["rollback", "--config", str(config.path), "--evidence", str(wrong)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"nothing was put back: there is no evidence folder {wrong}" in said.err
    assert str(config.evidence) in said.err
    assert not wrong.exists()
    for command in (["status"], ["gate", "bot:price"], ["diff"], ["report", "-o", str(tmp_path / "r.html")]):
        assert main([*command, "--config", str(config.path), "--evidence", str(wrong)]) == 2, command
        assert f"there is no evidence folder {wrong}" in capsys.readouterr().err


def test_a_folder_that_no_process_has_written_into_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = desk(tmp_path)
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    assert main(["rollback", "--config", str(config.path), "--evidence", str(other)]) == 0
    out = capsys.readouterr().out
    assert f"WARNING: no process has ever written into {other}" in out
    assert str(config.evidence) in out
    (config.evidence / "1-vm-2-0.seg").write_bytes(b"")
    assert main(["rollback", "--config", str(config.path)]) == 0
    assert "WARNING" not in capsys.readouterr().out
