"""Who follows the door and stumbles is told what to do: dropped calls, wrong names, wrong keys, empty endpoints."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from commands import exuvia, python
from exuvia.errors import ConfigError
from exuvia.migrate import config as configuration
from exuvia.migrate.cli import main as cli
from exuvia.migrate.config import UnitConfig
from exuvia.migrate.dispatch import canary
from exuvia.migrate.evidence.record import Record
from exuvia.migrate.evidence.redact import REDACTED, Redactor
from exuvia.migrate.face import details
from exuvia.migrate.gates.verdict import UnitStatus
from exuvia.migrate.shadow.carrying import ENDED
from exuvia.migrate.shadow.following import OUT_OF_STEP

if TYPE_CHECKING:
    from pathlib import Path

LOOP = """
import mend_bot, sys, time
for n in range(int(sys.argv[1])):
    mend_bot.price(n)
    time.sleep(float(sys.argv[2]))
"""
CONFIG = """
[exuvia]
rehearsal = {rehearsal}
{endpoints}
[unit."mend_bot:price"]
candidate = "{candidate}"
effect = "pure"
mode = "{mode}"
{more}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "prog.py").write_text(LOOP)
    (tmp_path / "mend_bot.py").write_text("def price(s):\n    return 1.0 + s / 4\n")
    (tmp_path / "mend_shim.py").write_text("def price(s):\n    return 1.0 + s / 4\n")
    configure(tmp_path)
    return tmp_path


def configure(  # noqa: PLR0917 - a key each
    folder: Path,
    mode: str = "shadow",
    more: str = "",
    candidate: str = "mend_shim:price",
    rehearsal: str = "true",
    endpoints: str = 'endpoints = ["http://127.0.0.1:1"]',
) -> None:
    (folder / "exuvia.toml").write_text(
        CONFIG.format(rehearsal=rehearsal, endpoints=endpoints, candidate=candidate, mode=mode, more=more)
    )
    (folder / "exuvia.toml").chmod(0o600)


def status(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(exuvia(folder, "status", "--json").stdout)["units"][0]
    return found


def test_dropped_calls_name_their_way_out_and_a_restart_leaves_them_behind_but_no_difference(project: Path) -> None:
    configure(project, more="queue = 1")
    assert exuvia(project, "run", "prog.py", "3000", "0").returncode == 0
    first = status(project)
    assert first["verdict"] == "INCONCLUSIVE", first
    assert "at most 0.1% may be" in first["reason"]
    said = exuvia(project, "status").stdout
    for way in (
        "next: in the unit's table",
        "sample = 0.2",
        'when_full = "wait"',
        "exuvia gate mend_bot:price --restart",
    ):
        assert way in " ".join(said.split()), said
    configure(project, mode="rust", more="queue = 100000")
    refused = exuvia(project, "promote", "mend_bot:price", "--to", "rust")
    assert refused.returncode == 3
    assert "next: in the unit's table compare a share" in refused.stdout

    configure(project, more="queue = 100000")
    assert exuvia(project, "gate", "mend_bot:price", "--restart", "a larger queue").returncode in (0, 3)
    assert exuvia(project, "run", "prog.py", "400", "0.001").returncode == 0
    second = status(project)
    assert (second["verdict"], second["compared"]) == ("PASS", 400), second
    assert any("counted anew 1×, last because of: a larger queue" in note for note in second["notes"])

    shim = project / "mend_shim.py"
    right = shim.read_text()
    shim.write_text("def price(s):\n    return 1.0 + s / 4 + (s == 3)\n")
    assert exuvia(project, "run", "prog.py", "20", "0.001").returncode == 0
    assert status(project)["verdict"] == "FAIL"
    assert exuvia(project, "gate", "mend_bot:price", "--restart", "looking away").returncode != 2
    assert status(project)["verdict"] == "FAIL", "a restart must not lose a difference of this code"
    shim.write_text(right)
    assert status(project)["compared"] == 0, "what was before the last restart stays behind"


def test_each_reason_that_a_setting_decides_names_the_setting() -> None:
    for reason, setting in (
        (ENDED, "sample"),
        (OUT_OF_STEP, "export_state"),
        ("its budget of 1 of a core is used up", "budget"),
    ):
        state = UnitStatus("a:b")
        state.add({"mode": "shadow", "compared": 5, "skipped": 5, "reasons": {reason: 5}})
        first, second = state.nexts()
        assert setting in first
        assert second.startswith("then count anew")
        assert first in details.remarks([state], [])
    state.add({"mode": "shadow", "compared": 5, "differed": 1})
    assert state.nexts() == [], "a difference is looked at first"


def test_a_broken_file_of_restarts_leaves_the_whole_count_in_force(project: Path) -> None:
    assert exuvia(project, "run", "prog.py", "40", "0.001").returncode == 0
    (project / "evidence" / "restarts.jsonl").write_text("{\n")
    found = status(project)
    assert (found["verdict"], found["compared"]) == ("PASS", 40)
    assert any("not a restart of a count" in note for note in found["notes"])


def test_a_key_that_is_no_argument_is_refused_with_those_that_there_are(project: Path) -> None:
    configure(project, mode="canary", more='key = "$args.account"')
    ran = exuvia(project, "run", "prog.py", "5", "0")
    assert ran.returncode == 2
    assert "exuvia.toml:9: unit 'mend_bot:price': key: '$args.account': there is no such argument in (s)" in ran.stderr
    (project / "prog.py").write_text("import mend_bot\nimport exuvia.migrate\nexuvia.migrate.install('exuvia.toml')\n")
    ran = python(project, "prog.py")
    assert "ConfigError" in ran.stderr
    assert "no such argument in (s)" in ran.stderr


def test_a_key_is_refused_by_the_nearest_name_it_may_have_meant(project: Path) -> None:
    config = configuration.load(project / "exuvia.toml")
    unit = UnitConfig("mend_bot:price", "mend_shim:price", key="$args.acount")
    with pytest.raises(ConfigError, match=r"in \(account, size\): did you mean \$args.account\?"):
        canary.refuse(config, unit, lambda account, size: (account, size))
    canary.refuse(config, UnitConfig("a:b", "c:d", key="$args.account"), lambda account: account)


def test_what_is_not_taken_up_is_never_a_pass_on_older_evidence() -> None:
    state = UnitStatus("a:b")
    state.add({"mode": "shadow", "compared": 500})
    assert state.verdict == "PASS"
    state.add({"mode": "legacy", "refused": "legacy serves, not taken up: no such argument"})
    assert state.judged() == ("INCONCLUSIVE", "legacy serves, not taken up: no such argument")
    assert state.nexts() == []


def test_a_refusal_behind_a_decorator_is_on_record_and_in_status(project: Path) -> None:
    (project / "mend_bot.py").write_text(
        "import functools\n@functools.lru_cache\ndef price(s):\n    return 1.0 + s / 4\n"
    )
    configure(project, mode="canary", more='key = "$args.account"')
    ran = exuvia(project, "run", "prog.py", "5", "0")
    assert ran.returncode == 0, ran
    found = status(project)
    assert (found["effective"], found["verdict"]) == ("legacy", "INCONCLUSIVE")
    assert "no such argument in (s)" in found["reason"]


def test_a_missing_candidate_keeps_only_what_is_not_in_legacy_from_starting(project: Path) -> None:
    configure(project, candidate="mend_shin:price", rehearsal="false")
    ran = exuvia(project, "run", "prog.py", "5", "0")
    assert ran.returncode == 0, "never promoted: legacy serves it"
    for said in (
        "WARNING",
        "mend_bot:price",
        "candidate = 'mend_shin:price'",
        "did you mean 'mend_shim'?",
        "exuvia scaffold",
    ):
        assert said in ran.stderr, ran.stderr
    assert "not taken up" in status(project)["reason"]
    configure(project, candidate="mend_shin:price")
    ran = exuvia(project, "run", "prog.py", "5", "0")
    assert ran.returncode == 2, "a rehearsal's file says shadow"
    assert "run this where the program runs" in ran.stderr


def test_from_the_wrong_folder_run_says_where_the_module_lies(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ran = exuvia(elsewhere, "run", "--config", str(project / "exuvia.toml"), "-m", "prog", "5", "0")
    assert ran.returncode == 2
    assert f"it lies in {project}; run this where the program runs" in ran.stderr


def test_status_says_which_side_is_nowhere_before_anything_ran(project: Path) -> None:
    text = (project / "exuvia.toml").read_text()
    (project / "exuvia.toml").write_text(text.replace("mend_bot:price", "mend_bott:price"))
    notes = status(project)["notes"]
    assert any("did you mean 'mend_bot'?" in note and "scaffold" not in note for note in notes), notes
    (project / "exuvia.toml").write_text(text.replace("mend_bot:price", "mend_bot:prise"))
    assert any("'prise' is not there; there is 'price'" in note for note in status(project)["notes"])
    (project / "exuvia.toml").write_text(text)
    assert status(project)["notes"] == []


def test_a_rehearsal_without_endpoints_says_that_nothing_was_checked(project: Path) -> None:
    configure(project, endpoints="")
    ran = exuvia(project, "run", "prog.py", "5", "0")
    assert "names no endpoints, so nothing was checked" in ran.stderr
    assert "REHEARSAL: no endpoints are named, so nothing was checked" in exuvia(project, "status").stdout
    configure(project)
    assert exuvia(project, "run", "prog.py", "5", "0").stderr == ""
    assert "REHEARSAL: loopback only" in exuvia(project, "status").stdout


def test_a_pass_of_few_calls_says_what_it_leaves_open() -> None:
    said = {}
    for compared in (1, 29, 30):
        state = UnitStatus("a:b")
        state.add({"mode": "shadow", "compared": compared})
        said[compared] = state.judged()
    assert said[1] == ("PASS", "1 call compared, none differs; so few leave open whether up to 95% of all calls do")
    assert "up to 10% of all calls do" in said[29][1]
    assert said[30] == ("PASS", "30 calls compared, none differs")


def test_in_a_rehearsal_the_way_up_is_the_step_of_its_file(project: Path) -> None:
    configure(project, mode="rust")
    assert exuvia(project, "rollback").returncode == 0
    said = " ".join(exuvia(project, "status").stdout.split())
    assert "exuvia promote mend_bot:price --to rust" in said
    assert "--to shadow" not in said


def test_a_reason_is_looked_through_for_secrets_once_and_anew_after_a_new_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    redactor = Redactor()
    looked: list[str] = []
    own = Redactor.text
    monkeypatch.setattr(Redactor, "text", lambda self, text: looked.append(text) or own(self, text))
    record = Record("a:b", [].append, redactor=redactor)
    record.dropped("the queue to the worker was full", samples=3)
    for _ in range(1000):
        record.dropped("the queue to the worker was full")
    assert len(looked) == 1
    assert record.reasons["the queue to the worker was full"] == 1003
    assert record.counters("shadow")["dropped"] == 1003
    record.lost("it said hunter2hunter2")
    redactor.remember("hunter2hunter2")
    record.lost("it said hunter2hunter2")
    assert record.reasons[f"it said {REDACTED}"] == 1


def test_a_mistyped_command_or_mode_is_answered_with_the_one_that_was_meant(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["stauts"]) == 2
    assert "unknown command 'stauts': did you mean exuvia status?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["promote", "a:b", "--to", "shadw", "--config", str(project / "exuvia.toml")])
    assert "did you mean shadow" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["promote", "--help"])
    assert "retired" not in capsys.readouterr().out.partition("options:")[2]


def test_dropping_a_call_costs_less_than_looking_through_its_reason() -> None:
    record = Record("a:b", [].append)
    why = "the queue to the worker was full"

    def took(function: Any, times: int = 2000) -> float:
        started = time.perf_counter()
        for _ in range(times):
            function(why)
        return time.perf_counter() - started

    record.dropped(why)
    assert min(took(record.dropped) for _ in range(3)) < min(took(Redactor().text) for _ in range(3)) / 2
