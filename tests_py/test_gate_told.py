"""What `exuvia gate` says, and on what record: its table, hooks, restarts of a count, errors that are no verdict."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from exuvia.errors import MigrateError
from exuvia.migrate.cli import main as cli
from exuvia.migrate.evidence import reading
from exuvia.migrate.gates import lines as recorded
from exuvia.migrate.gates import restarts, table
from gate_files import MINUTE, UNIT, Bot
from rich.console import Console
from test_gate_kinds import desk

if TYPE_CHECKING:
    from pathlib import Path


def test_a_restart_with_a_cause_begins_a_new_count_and_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = desk(tmp_path, 'g]\nkind = "count"\n')
    at.both(at.days[0], "g.jsonl", [{}], [{}, {}])
    words = ["gate", "desk", "--config", str(tmp_path / "exuvia.toml")]
    assert cli.main(words) == 1
    monkeypatch.setattr(restarts, "time_ns", lambda: at.hours(at.days[0])[1])
    assert cli.main([*words, "--restart", " "]) == 2
    assert "say what was found" in capsys.readouterr().err
    assert cli.main([*words, "--restart", "a row was written twice"]) == 3
    at.both(at.days[1], "g.jsonl", [{}], [{}])
    capsys.readouterr()
    assert cli.main(words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "started again once, last because of: a row was written twice" in said
    assert "with a chance of up to 10%" in said
    with (tmp_path / "evidence" / restarts.FILE).open("a") as file:
        file.write("{\n")
    assert cli.main(words) == 2
    assert "restarts.jsonl:2: not a restart" in capsys.readouterr().err


def test_the_command_names_what_it_does_not_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk(tmp_path, 'g]\nkind = "count"\n')
    config = ["--config", str(tmp_path / "exuvia.toml")]
    assert cli.main(["gate", "desc", *config]) == 2
    assert "unknown group 'desc': did you mean 'desk'?" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        cli.main(["gate", "desk", *config, "--day", "3 Feb"])
    assert (stopped.value.code, "'3 Feb' is no day" in capsys.readouterr().err) == (2, True)
    assert cli.main(["gate", "desk", *config]) == 3
    assert "nothing is on record" in capsys.readouterr().out


def test_the_table_says_a_reason_once_in_80_columns_and_another_f_only_of_a_day_with_one(tmp_path: Path) -> None:
    bot = Bot(tmp_path)
    bot.day(bot.days[0], compared=0)
    changed = bot.day(bot.days[4])
    bot.day(bot.days[5], to_ns=bot.desk.hours(bot.days[5])[0] + 200 * MINUTE)
    changed.header["fingerprints"] = {UNIT: "older"}
    out = io.StringIO()
    table.render(bot.verdict(), Console(file=out, width=80, highlight=False))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80, lines
    said = " ".join(out.getvalue().split())
    assert said.count("active for 51.3% of the session") == 1
    assert said.count("nothing was compared of bot:price") == 1
    assert said.count("open but silent: no process left evidence of this day") <= 3
    # Each day is one row, and nothing of a reason stands beside it in pieces.
    rows = [line for line in lines if line.startswith("2026-") and line[10:12] == "  "]
    assert [row.split()[0] for row in rows] == bot.days[:6]
    assert all(len(row.split()) == 5 for row in rows), rows
    assert said.count("another F") - said.count("sessions of another F") == 1
    assert any(line.startswith(f"  {bot.days[4]}: another F") for line in lines), lines


def test_the_table_fits_and_names_sessions_gates_and_strata(tmp_path: Path) -> None:
    bot = Bot(tmp_path, more='strata = { side = "$args.side" }')
    for number, day in enumerate(bot.days[:3]):
        bot.day(day, differed=number // 2, strata=[["side=Sell", 90, number // 2]])
    out = io.StringIO()
    table.render(bot.verdict(), Console(file=out, width=100))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0] == f"FAIL  bars, as of {bot.days[2]}"
    said = " ".join(" ".join(lines).split())
    assert "by calls: bot:price pure side=Sell: 1 of 270 differ, up to 3.39%, thin" in said
    assert "2 of 3 clean sessions leave up to" in said


@pytest.mark.parametrize(
    ("made", "said"),
    [(b"\xff\xfe\n", "restarts.jsonl cannot be read"), (b"", "others may write this file, and it decides")],
)
def test_restarts_that_cannot_be_trusted_are_an_error_and_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], made: bytes, said: str
) -> None:
    at = desk(tmp_path, 'g]\nkind = "count"\n')
    (tmp_path / "evidence").mkdir(exist_ok=True)
    path = tmp_path / "evidence" / "restarts.jsonl"
    path.write_bytes(made)
    path.chmod(0o600 if made else 0o666)
    assert cli.main(["gate", at.group, "--config", str(tmp_path / "exuvia.toml")]) == 2
    assert said in capsys.readouterr().err


def test_what_nobody_expected_is_an_error_and_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("what is this?")

    at = desk(tmp_path, 'g]\nkind = "count"\n')
    monkeypatch.setattr(reading, "read_folder", broken)
    assert cli.main(["gate", at.group, "--config", str(tmp_path / "exuvia.toml")]) == 2
    said = capsys.readouterr().err
    assert "ValueError: what is this?" in said
    assert said.endswith("exuvia gate: a defect of exuvia, or of what it reads: no verdict\n")


@pytest.mark.parametrize(("more", "word", "code"), [(0, "PASS", 0), (800, "FAIL", 1)])
def test_status_report_and_gate_say_the_same_of_a_group_of_artefacts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: int, word: str, code: int
) -> None:
    at = desk(tmp_path, 'g]\nkind = "paired"\nkey = ["ts"]\nvalue = "cash"\nabs = "50.00"\nspread = "normal"\n')
    for day in at.days[:6]:
        times = at.every(day, 60)
        at.both(
            day,
            "g.jsonl",
            [{"ts": ts, "cash": "100.00"} for ts in times],
            [{"ts": ts, "cash": f"{100 + more}.00"} for ts in times],
        )
    given = ["--config", str(tmp_path / "exuvia.toml")]
    for command in (["gate", at.group], ["status"], ["report", "-o", str(tmp_path / "r.html")]):
        assert cli.main([*command, *given, "--json"]) == code, command
        assert json.loads(capsys.readouterr().out)["overall"] == word, command
    assert cli.main(["status", *given]) == code
    said = capsys.readouterr().out
    assert f"group {at.group}: {word}" in said
    assert f"overall: {word}" in said
    page = (tmp_path / "r.html").read_text()
    assert f'</h1><span class="badge {word}">' in page
    assert ("Do not go on: group" in page) == (word == "FAIL")
    assert "nothing is compared until" not in page


def test_the_command_tells_the_hooks_of_a_fail_and_of_nothing_else(tmp_path: Path) -> None:
    at = desk(tmp_path, 'g]\nkind = "count"\n')
    told = tmp_path / "told.jsonl"
    (tmp_path / "tell.py").write_text(
        f"import sys\nwith open({str(told)!r}, 'a') as file:\n    file.write(sys.stdin.read() + chr(10))\n"
    )
    path = tmp_path / "exuvia.toml"
    hooks = f'[exuvia]\nhooks = ["cmd:{sys.executable} {tmp_path / "tell.py"}"]\n'
    path.write_text(path.read_text().replace("[exuvia]\n", hooks, 1))
    at.both(at.days[0], "g.jsonl", [{"n": 1}], [{"n": 1}])
    command = ["gate", "desk", "--config", str(path), "--day", at.days[0], "--json"]
    cli.main(command)
    assert not told.exists()
    at.both(at.days[0], "g.jsonl", [{"n": 1}], [])
    assert cli.main(command) == 1
    (event,) = [json.loads(line) for line in told.read_text().splitlines() if line]
    assert (event["event"], event["unit"], event["day"]) == ("fail", "desk", at.days[0])


def test_a_record_of_which_the_disk_took_only_a_part_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept" / "lines.jsonl"
    recorded.append(path, {"n": 1})
    assert path.stat().st_mode & 0o777 == 0o600
    whole = os.write
    monkeypatch.setattr("exuvia.migrate.own.os.write", lambda into, data: whole(into, data[:-3]))
    with pytest.raises(OSError, match="only 6 of 9 bytes were written: the last line of"):
        recorded.append(path, {"n": 2})
    monkeypatch.undo()
    with pytest.raises(MigrateError, match=r"lines.jsonl:2: not a number: '\{\"n\": '"):
        recorded.read(path, "not a number", lambda line: int(line["n"]))
