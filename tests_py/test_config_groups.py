"""Groups, canaries and limits in `exuvia.toml`: what is read, and how what is wrong is named."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from exuvia.errors import ConfigError
from exuvia.migrate import load

if TYPE_CHECKING:
    from pathlib import Path

UNITS = """
[unit."bot.bars:aggregate"]
candidate = "shim:aggregate"
effect = "pure"
sample = "25 %"
deadline = "250 ms"
memory = "64 MiB"
caps = { calls_a_key = 5, amount = "1000.50", amount_at = "$args.notional" }
strata = { side = "$args.side" }

[[unit."bot.bars:aggregate".diverges]]
path = "$.close"
legacy = "25299.8"
candidate = "25299.75"
owner = "ana"
reason = "off the grid"
expires = 2027-01-31
budget = 3

[unit."bot.bars:merge"]
candidate = "shim:merge"
effect = "pure"
"""

GROUPS = """
[group.feeds]
sessions = 2
[group.bars]
units = ["bot.bars:*"]
requires = ["feeds"]
[group.bars.gate.equity]
kind = "paired"
key = ["scenario", "date"]
abs = "50.00"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "exuvia.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_limits_come_in_the_units_that_people_write(tmp_path: Path) -> None:
    unit = load(write(tmp_path, UNITS)).units["bot.bars:aggregate"]
    assert (unit.sample, unit.deadline, unit.memory) == (0.25, 0.25, 64 * 1024**2)
    assert (unit.caps.calls, unit.caps.calls_a_key, unit.caps.amount) == (None, 5, "1000.50")
    assert unit.strata == (("side", "$args.side"),)
    (declared,) = unit.divergences
    assert (declared.expires, declared.budget, declared.legacy) == (date(2027, 1, 31), 3, "25299.8")


def test_a_group_takes_its_units_by_pattern_and_others_stand_alone(tmp_path: Path) -> None:
    config = load(write(tmp_path, UNITS + GROUPS))
    assert config.groups["bars"].units == ("bot.bars:aggregate", "bot.bars:merge")
    assert config.groups["bars"].gates["equity"].kind == "paired"
    assert config.group_of("bot.bars:merge").name == "bars"
    assert load(write(tmp_path, UNITS)).group_of("bot.bars:merge").units == ("bot.bars:merge",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('"25 %"', '"125 %"'), ["sample", "at most 1"]),
        (('"250 ms"', '"250 m"'), ["deadline", "above zero"]),
        (('"64 MiB"', "true"), ["memory", "512 MiB"]),
        (('"1000.50"', "1000.5"), ["amount", "decimal text"]),
        (('amount_at = "$args.notional"', "calls = 3"), ["amount needs amount_at"]),
        (('"$args.side"', '"$.side"'), ["no path into the arguments"]),
        (("budget = 3", "budget = 0"), ["budget of hits"]),
        (("expires = 2027-01-31", 'expires = "soon"'), ["expires on a day"]),
        (('owner = "ana"', 'owner = " "'), ["names its owner"]),
        (('requires = ["feeds"]', 'requires = ["feed"]'), ["unknown group 'feed'", "did you mean 'feeds'"]),
        (("sessions = 2", 'requires = ["bars"]'), ["requires itself"]),
        (("sessions = 2", 'units = ["bot.bars:merge"]'), ["in two groups"]),
        (("sessions = 2", "sessions = 0"), ["at least 1"]),
        (('kind = "paired"', 'kind = "pared"'), ["unknown kind 'pared'", "did you mean 'paired'"]),
        (("sessions = 2", 'effect = "orders"\nunits = ["bot.*"]'), ["needs the tape"]),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: tuple[str, str], words: list[str]) -> None:
    text = UNITS + GROUPS
    assert change[0] in text
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text.replace(change[0], change[1], 1)))
    assert str(caught.value).startswith(f"{tmp_path / 'exuvia.toml'}:")
    assert all(word in str(caught.value) for word in words), caught.value
