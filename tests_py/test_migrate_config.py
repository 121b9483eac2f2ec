"""`exuvia.toml`: every refusal names the file, the line and what to write."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from exuvia.errors import ConfigError
from exuvia.migrate import load
from exuvia.migrate.config import find
from exuvia.migrate.modes import journal as modes

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
[exuvia]
calendar = "FX24x5"
evidence = "evidence/"
rehearsal = true
endpoints = ["http://127.0.0.1:8080", "ws://[::1]:9/x", "https://localhost", "http://127.9.8.7"]

[unit."bot.bars:aggregate"]
candidate = "shim:aggregate"
aim = "speed"
mode = "rust"
effect = "pure"
compare = { "$[*]" = "record", "$.vwap" = "ulp:4" }

[unit."bot.bars:TickBars"]
candidate = "shim:TickBars"
effect = "pure"
kind = "class"
attributes = ["late"]

[unit."bot.bars:TickBars".compare]
"on_quote:$.bid" = "tick:0.00001"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "exuvia.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_a_good_file_is_read_whole(tmp_path: Path) -> None:
    config = load(write(tmp_path, GOOD))
    assert config.rehearsal
    assert config.evidence == tmp_path / "evidence"
    first, second = config.units.values()
    assert (first.module, first.qualname, first.mode, first.line) == ("bot.bars", "aggregate", "rust", 7)
    assert first.compare == (("$[*]", "record"), ("$.vwap", "ulp:4"))
    assert (second.mode, second.aim, second.attributes, second.kind) == ("legacy", "speed", ("late",), "class")
    assert second.compare == (("on_quote:$.bid", "tick:0.00001"),)


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("calendar =", "calender ="), 2, ["unknown key 'calender'", "did you mean 'calendar'"]),
        (('calendar = "FX24x5"', 'calendar = "FX24"'), 2, ["unknown calendar 'FX24'", "FX24x5"]),
        (('evidence = "evidence/"', 'evidence = "a\\u0000b"'), 3, ["evidence = 'a\\x00b' holds a NUL character"]),
        (('aim = "speed"', 'aim = "fast"'), 9, ["unknown aim 'fast'", "retire"]),
        (('mode = "rust"', 'mode = "rusty"'), 10, ["unknown mode 'rusty'", "did you mean 'rust'"]),
        (('mode = "rust"', 'mode = "canary"'), 10, ["needs a key that keeps one account on one side"]),
        (('mode = "rust"', 'mode = "retired"'), 10, ["deletion certificate", "prove-deletable"]),
        (('mode = "rust"', "mode = 3"), 10, ["unknown mode 3"]),
        (('effect = "pure"\ncompare', 'effect = "orders"\ncompare'), 11, ["'orders' needs the tape"]),
        (('effect = "pure"\ncompare', "compare"), 7, ["declares no effect"]),
        (('"ulp:4"', '"ulps:4"'), 12, ["there is no rule 'ulps'"]),
        (('"$.vwap"', '"vwap"'), 12, ["must start with $"]),
        (('"tick:0.00001"', '"tick:x"'), 21, ["'x' is not a number"]),
        (('"tick:0.00001"', "3"), 21, ["is not text"]),
        (('candidate = "shim:aggregate"', 'candidate = "shim.aggregate"'), 8, ["package.module:name"]),
        (('candidate = "shim:aggregate"', 'candidate = "bot.bars:aggregate"'), 8, ["names itself"]),
        (('candidate = "shim:aggregate"', 'candidat = "shim:aggregate"'), 8, ["did you mean 'candidate'"]),
        (('kind = "class"', 'kind = "klass"'), 17, ["did you mean 'class'"]),
        (('attributes = ["late"]', 'attributes = "late"'), 18, ["list of texts"]),
        (('"bot.bars:aggregate"', '"bot.bars.aggregate"'), 7, ["not written as"]),
        (('"bot.bars:aggregate"', '"bot.bars:TickBars.on_quote"'), 7, ["lies inside unit"]),
        (("rehearsal = true", 'rehearsal = "yes"'), 4, ["must be a bool"]),
        (("ws://[::1]:9/x", "https://gateway.saxobank.com/sim"), 5, ["gateway.saxobank.com", "not loopback"]),
        (("ws://[::1]:9/x", "http://localhost.evil.com"), 5, ["not loopback"]),
        (("ws://[::1]:9/x", "http://127.0.0.1@10.0.0.1/"), 5, ["not loopback"]),
        (("ws://[::1]:9/x", "http://0.0.0.0:1"), 5, ["not loopback"]),
        (("ws://[::1]:9/x", "127.0.0.1:1"), 5, ["not a URL"]),
        (("[exuvia]", '[group.x]\nunits = ["nobody:*"]\n[exuvia]'), 2, ["no declared unit is named 'nobody:*'"]),
        (("[exuvia]", "[exuvai]"), 1, ["unknown table 'exuvai'", "did you mean 'exuvia'"]),
        (("rehearsal = true", "rehearsal ="), 4, ["not TOML"]),
        (
            ("rehearsal = true", 'rehearsal = true\nhooks = ["sh:x"]'),
            5,
            ["'sh:x' is none of cmd:COMMAND, http(s)://URL"],
        ),
        (("[unit", '[exuvia.approvers]\nann = "gpg:1"\n[unit'), 8, ["'gpg:1' is neither os:USER nor ssh:TYPE KEY"]),
        (('aim = "speed"', 'key = "account"'), 9, ["'account' is no path into the arguments, as $args.account"]),
        (('aim = "speed"', 'caps = { amount = "many", amount_at = "$args.n" }'), 9, ["'many' must be a decimal text"]),
        (('aim = "speed"', 'caps = { amount_at = "notional" }'), 9, ["'notional' is no path into the arguments"]),
        (('aim = "speed"', "diverges = [3]"), 9, ["diverges is a list of tables"]),
        (('aim = "speed"', f"record = {10**19 - 1}"), 9, ["must be at most"]),
        (("[exuvia]", "[group]\nx = 3\n[exuvia]"), 2, ["group 'x' is a table with a plain name"]),
        (("[exuvia]", '[group.x]\nunits = ["bot.bars:*"]\ngate = 3\n[exuvia]'), 3, ["gates are tables"]),
        (("[exuvia]", '[group.x]\nunits = ["bot.bars:*"]\ngate.y = 3\n[exuvia]'), 3, ["gate 'y' is a table"]),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, change: tuple[str, str], line: int, words: list[str]
) -> None:
    assert change[0] in GOOD
    path = write(tmp_path, GOOD.replace(change[0], change[1], 1))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    for word in words:
        assert word in str(caught.value)


def test_only_a_rehearsal_may_hold_the_program_up(tmp_path: Path) -> None:
    text = GOOD.replace('aim = "speed"', 'when_full = "wait"')
    assert load(write(tmp_path, text)).units["bot.bars:aggregate"].when_full == "wait"
    with pytest.raises(ConfigError, match="'wait' holds the program up: only a rehearsal may"):
        load(write(tmp_path, text.replace("rehearsal = true", "rehearsal = false")))


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize("permissions", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(tmp_path: Path, permissions: int) -> None:
    path = write(tmp_path, GOOD)
    path.chmod(permissions)
    with pytest.raises(ConfigError, match="chmod go-w"):
        load(path)


def test_the_file_is_found_as_given_by_environment_beside_pyproject_and_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXUVIA_CONFIG", raising=False)
    project, inner = tmp_path / "project", tmp_path / "project" / "src" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    with pytest.raises(ConfigError, match=r"no exuvia\.toml: looked at .* write a first one: exuvia init") as caught:
        find()
    assert str(inner) in str(caught.value)
    here = write(inner, GOOD)
    assert find() == here
    (project / "pyproject.toml").touch()
    beside = write(project, GOOD)
    assert find() == beside
    named = write(tmp_path, GOOD)
    monkeypatch.setenv("EXUVIA_CONFIG", str(named))
    assert find() == named
    assert find(here) == here
    with pytest.raises(ConfigError, match="there is no such"):
        find(tmp_path / "nowhere.toml")


def test_the_effective_mode_is_the_lower_of_file_and_journal(tmp_path: Path) -> None:
    assert modes.read(tmp_path).effective("a", "rust") == "rust"
    modes.append(tmp_path, "a", "shadow", "careful")
    assert modes.read(tmp_path).effective("a", "rust") == "shadow"
    assert modes.read(tmp_path).effective("a", "legacy") == "legacy"
    assert modes.read(tmp_path).effective("b", "rust") == "rust"
    modes.append(tmp_path, "*", "legacy", "all back")
    assert modes.read(tmp_path).effective("b", "rust") == "legacy"
    modes.append(tmp_path, "b", "rust", "again")
    journal = modes.read(tmp_path)
    assert (journal.effective("a", "rust"), journal.effective("b", "rust")) == ("legacy", "rust")
    assert (tmp_path / modes.JOURNAL).stat().st_mode & 0o777 == 0o600


def test_a_torn_entry_says_nothing_and_the_next_one_counts(tmp_path: Path) -> None:
    modes.append(tmp_path, "a", "shadow", "x")
    path = tmp_path / modes.JOURNAL
    with path.open("ab") as file:
        file.write(b'{"v": 1, "at": "2026-11-2')
    assert modes.read(tmp_path).effective("a", "rust") == "shadow"
    modes.append(tmp_path, "a", "legacy", "after the kill")
    assert modes.read(tmp_path).effective("a", "rust") == "legacy"
    assert modes.read(tmp_path).broken is None


@pytest.mark.parametrize(
    "line", [b"nonsense\n", b'{"v": 9, "unit": "a", "mode": "rust"}\n', b'{"v": 1, "unit": "a", "mode": "x"}\n']
)
def test_a_journal_that_cannot_be_trusted_means_legacy(tmp_path: Path, line: bytes) -> None:
    modes.append(tmp_path, "a", "rust", "x")
    with (tmp_path / modes.JOURNAL).open("ab") as file:
        file.write(line)
    journal = modes.read(tmp_path)
    assert journal.effective("a", "rust") == "legacy"
    assert f"{modes.JOURNAL}:2" in str(journal.broken)


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_journal_that_others_may_write_means_legacy(tmp_path: Path) -> None:
    modes.append(tmp_path, "a", "rust", "x")
    (tmp_path / modes.JOURNAL).chmod(0o622)
    assert modes.read(tmp_path).effective("a", "rust") == "legacy"
