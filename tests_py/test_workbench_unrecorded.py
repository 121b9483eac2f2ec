"""Calls that are compared and cannot be recorded: status, repro, replay and aa say so, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from commands import exuvia

if TYPE_CHECKING:
    from pathlib import Path

BOT = """
class RiskError(Exception):
    def __init__(self, code, *, limit):
        super().__init__(code)
        self.limit = limit
def risky(n):
    if n % 2:
        raise RiskError(n, limit=1)
    return {odd}
"""
MAIN = """
from bot import risky
for n in range(8):
    try:
        risky(n)
    except Exception:
        pass
"""
CONFIG = """
[exuvia]
rehearsal = true
endpoints = ["http://127.0.0.1:1"]
[unit."bot:risky"]
candidate = "shim:risky"
effect = "pure"
mode = "shadow"
compare = { "$raise.limit" = "exact" }
"""


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    shim = "from bot import RiskError\n" + BOT.format(odd="n").partition("def risky")[2].join(("def risky", ""))
    shim = shim.replace("limit=1", "limit=2")
    texts = {"bot.py": BOT.format(odd="n"), "shim.py": shim, "main.py": MAIN, "exuvia.toml": CONFIG}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    done = exuvia(tmp_path, "run", "main.py")
    assert done.returncode == 0, done
    return tmp_path


def test_status_repro_and_replay_say_which_compared_calls_were_not_recorded_and_why(ran: Path) -> None:
    said = " ".join(exuvia(ran, "status").stdout.split())
    assert "compared, not recorded ×4: a call could not be recorded: TypeError" in said
    assert "not compared ×" not in said.replace("compared, not recorded", "")
    done = exuvia(ran, "repro", "bot:risky")
    assert done.returncode == 2
    assert "compared and not recorded ×4: TypeError: RiskError.__init__() missing" in done.stderr, done
