"""A gate reads what was recorded of a program without running anything of it, however exuvia was started."""

from __future__ import annotations

import base64
import json
import os
import pickle
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest
from commands import python
from exuvia.migrate.gates import samples, selftest
from gate_files import UNIT, Bot

if TYPE_CHECKING:
    from pathlib import Path

BOT = """
import atexit, dataclasses, logging
logging.basicConfig(filename="live.log", filemode="w")
atexit.register(lambda: open("state.txt", "w").write("stale"))
@dataclasses.dataclass
class Quote:
    bid: float
    side: str
    qty: int
def price(n):
    return n
"""
CONSOLE = "import sys; sys.path.pop(0); from exuvia.migrate.cli.main import main; sys.exit(main())"
"""What the console script does: the working directory is not on the path."""
STARTS = {"console": ["-c", CONSOLE], "module": ["-m", "exuvia"]}


def quoting(folder: Path, text: str = BOT) -> Bot:
    """A bot whose unit returns an object of a class of its own, with evidence of four clean sessions."""
    bot = Bot(folder, sessions=3)
    (folder / "bot.py").write_text(text)
    module = types.ModuleType("bot")
    source = text.replace('"live.log"', repr(os.devnull)).replace("atexit.register(lambda", "(lambda: lambda")
    sys.modules["bot"] = module
    try:
        exec(compile(source, "bot.py", "exec"), module.__dict__)  # noqa: S102 - the test's own text
        outcome = base64.b64encode(pickle.dumps((module.Quote(1.25, "Buy", 10), None))).decode()
    finally:
        del sys.modules["bot"]
    call = {"unit": UNIT, "arguments": base64.b64encode(pickle.dumps(((1,), {}))).decode(), "outcome": outcome}
    for day in bot.days[:4]:
        bot.day(day).calls = [call]
    bot.write_down()
    (folder / "live.log").write_text("precious\n")
    return bot


@pytest.mark.parametrize("start", STARTS)
def test_a_gate_a_report_and_an_approval_run_no_import_time_code_of_the_program(tmp_path: Path, start: str) -> None:
    quoting(tmp_path)
    written = {"PYTHONDONTWRITEBYTECODE": ""}
    done = python(tmp_path, *STARTS[start], "gate", "bars", "--json", **written)
    assert (done.returncode, json.loads(done.stdout)["overall"]) == (0, "PASS"), done
    for words in (["report", "-o", "r.html"], ["approve", "bars", "--to", "canary"], ["promote", "bars", "--to", "shadow", "--check"]):  # fmt: skip # noqa: E501
        python(tmp_path, *STARTS[start], *words, **written)
        assert (tmp_path / "live.log").read_text() == "precious\n", words
    assert not (tmp_path / "state.txt").exists()
    assert not list(tmp_path.glob("__pycache__/bot.*"))


@pytest.mark.parametrize("start", STARTS)
def test_classes_are_found_where_the_program_found_them_whatever_the_working_directory_is(
    tmp_path: Path, start: str
) -> None:
    (tmp_path / "desk").mkdir()
    (tmp_path / "elsewhere").mkdir()
    quoting(tmp_path / "desk")
    config = str(tmp_path / "desk" / "exuvia.toml")
    done = python(tmp_path / "elsewhere", *STARTS[start], "gate", "bars", "--json", "--config", config)
    assert (done.returncode, json.loads(done.stdout)["overall"]) == (0, "PASS"), done


def test_a_class_that_is_gone_is_named_and_no_call_is_denied(tmp_path: Path) -> None:
    bot = quoting(tmp_path)
    (tmp_path / "bot.py").write_text("def price(n):\n    return n\n")
    found = selftest.trouble(bot.config.units[UNIT], bot.segments, None, tmp_path)
    assert found is not None
    assert "none of 4 recorded calls can be read for the comparator's self-test" in found
    assert "Quote" in found
    (tmp_path / "bot.py").write_text("import os\nos._exit(7)\n")
    found = selftest.trouble(bot.config.units[UNIT], bot.segments, None, tmp_path)
    assert found is not None
    assert "the comparator's self-test cannot be run" in found


def test_a_fault_that_is_missed_in_an_object_of_the_program_is_named(tmp_path: Path) -> None:
    quoting(tmp_path)
    wide = Bot(tmp_path, sessions=3, more='compare = { "$.bid" = "abs:9000" }')
    (tmp_path / "bot.py").write_text(BOT)
    told = selftest.trouble(wide.config.units[UNIT], read_back(wide), None, tmp_path)
    assert told is not None
    assert "MISSED" in told


def read_back(bot: Bot) -> list[Any]:
    from exuvia.migrate.evidence import reading

    return reading.read_folder(bot.config.evidence)


class Evil:
    """Its pickle would run something."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("ran",)


def test_plain_values_are_read_in_here_and_nothing_else_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime
    import decimal

    monkeypatch.chdir(tmp_path)
    good = [{"price": decimal.Decimal("1.50"), "at": datetime.datetime(2026, 2, 2, tzinfo=datetime.UTC)}, {1}, (1.5,)]
    for value in good:
        assert samples.plain(pickle.dumps((value, None))) == (value, None)
    assert isinstance(samples.plain(pickle.dumps((None, ValueError("no"))))[1], ValueError)
    for bad in (Evil(), print, os.system, tmp_path):
        with pytest.raises(samples.Foreign):
            samples.plain(pickle.dumps((bad, None)))
    assert not (tmp_path / "ran").exists()
