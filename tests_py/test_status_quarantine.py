"""A unit in quarantine fails status until a person clears it, whatever was compared before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
from desk import desk
from exuvia.migrate import runtime
from exuvia.migrate.cli.main import main
from exuvia.migrate.evidence import reading
from exuvia.migrate.gates.verdict import UnitStatus
from exuvia.migrate.modes import overlays
from shadowing import Shadowed, shadowed, until

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["shadowed"]


def test_status_fails_for_a_unit_in_quarantine_and_says_why_until_it_is_cleared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = desk(tmp_path)
    overlays.quarantine(config, "bot:price", "the candidate raised and legacy could not answer (3 in rust)")
    price, size = reading.statuses(config, [])
    assert price.judged() == ("FAIL", "in quarantine: the candidate raised and legacy could not answer (3 in rust)")
    assert size.verdict == "INCONCLUSIVE"
    assert main(["status", "--config", str(config.path), "--json", "bot:price"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["overall"], "could not answer" in said["units"][0]["quarantined"]) == ("FAIL", True)
    overlays.clear(config, "bot:price", "looked at")
    assert reading.statuses(config, [])[0].quarantined == ""
    assert main(["status", "--config", str(config.path), "bot:price"]) == 3


def test_a_pass_of_what_was_compared_does_not_outweigh_a_quarantine() -> None:
    state = UnitStatus("bot:price")
    state.add({"compared": 2000})
    assert state.verdict == "PASS"
    state.quarantined = "a reason"
    assert state.judged() == ("FAIL", "in quarantine: a reason")


def test_the_process_itself_says_that_its_unit_is_in_quarantine(shadowed: Shadowed) -> None:
    text = "def size(values):\n    if not values:\n        raise ValueError('empty')\n    return len(values)\n"
    shadowed.write(text, text.replace("ValueError", "KeyError"))
    shadowed.install("size", mode="rust")
    with pytest.raises(KeyError):
        shadowed.legacy.size([])
    until(lambda: shadowed.mode("size") == "legacy", "it stayed in rust")
    current: Any = runtime._current
    until(lambda: bool(current.said.quarantined), "the journal was not read again")
    (state,) = exuvia.migrate.status()
    assert (state.verdict, "in quarantine: the candidate raised" in state.reason) == ("FAIL", True)
