"""A group flips as one, and no higher than what it requires, in each process: by its code and by what is on record."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from commands import environment
from desk import Gate, desk, stands
from exuvia.migrate import config as configuration
from exuvia.migrate.evidence import reading
from exuvia.migrate.modes import journal as modes
from stepping import PRICE, approve, go

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import Config

SIZE = "bot:size"
GROUPS = {
    "group": '[group.bars]\nunits = ["bot:*"]\n',
    "requires": '[group.token]\nunits = ["bot:size"]\n[group.bars]\nunits = ["bot:price"]\nrequires = ["token"]\n',
}
PROGRAM = """
import json, sys, time
import exuvia.migrate
exuvia.migrate.install()
import bot
for _ in range(50):
    bot.price("a", 1), bot.size("a", {size})
time.sleep(0.3)
found = {{s.unit: [s.mode, s.fingerprint, s.since_flip["candidate_calls"]] for s in exuvia.migrate.status()}}
exuvia.migrate.uninstall()
print(json.dumps(found))
"""


def run(folder: Path, size: int = 1) -> tuple[dict[str, Any], str]:
    """Run the bot under exuvia; what its units were in, their F, and calls that the candidate served."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(size=size)],
        cwd=folder, env=environment(PYTHONPATH=str(folder)), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def in_rust(folder: Path, which: str) -> tuple[Config, dict[str, Any]]:
    """Both units were promoted to rust with the code as it is; their candidates lie in two files."""
    config = desk(folder, groups=GROUPS[which])
    (folder / "shim2.py").write_text("def size(account, n=1):\n    return n * 2 if n < 7 else -1\n")
    config.path.write_text(config.path.read_text().replace('"shim:size"', '"shim2:size"'))
    config = configuration.load(config.path)
    f = {unit: found[1] for unit, found in run(folder)[0].items()}
    for name in ("bars",) if which == "group" else ("token", "bars"):
        units = config.groups[name].units
        more: dict[str, Any] = {"units": list(units), "f": {unit: f[unit] for unit in units}}
        modes.append(config.evidence, name, "rust", "for the test", was="canary", **more)
    return config, f


def effective(config: Config) -> dict[str, tuple[str | None, str]]:
    found = reading.statuses(config, reading.read_folder(config.evidence))
    return {state.unit: (state.effective, " ".join(state.notes)) for state in found}


WHY = {
    "group": "group bars flips as one, and its unit bot:size is held in shadow: ",
    "requires": "group bars requires token, which stands in shadow",
}


@pytest.mark.parametrize("which", ["group", "requires"])
def test_new_code_of_one_unit_takes_all_that_flips_or_leans_on_it_to_shadow(tmp_path: Path, which: str) -> None:
    config, _ = in_rust(tmp_path, which)
    before, _ = run(tmp_path)
    assert [before[unit][0::2] for unit in (PRICE, SIZE)] == [["rust", 50], ["rust", 50]]
    (tmp_path / "shim2.py").write_text("def size(account, n=1):\n    return n + n\n")
    after, said = run(tmp_path)
    assert [after[unit][0::2] for unit in (PRICE, SIZE)] == [["shadow", 0], ["shadow", 0]]
    assert WHY[which] in said
    shown = effective(config)
    assert (shown[PRICE][0], shown[SIZE][0]) == ("shadow", "shadow")
    assert WHY[which] in shown[PRICE][1]


@pytest.mark.parametrize("which", ["group", "requires"])
def test_a_difference_on_record_of_one_unit_takes_all_that_flips_or_leans_on_it_to_shadow(
    tmp_path: Path, which: str
) -> None:
    config, f = in_rust(tmp_path, which)
    for name in ("bars", "token") if which == "requires" else ("bars",):
        modes.append(config.evidence, name, "shadow", "for the test", units=list(config.groups[name].units))
    run(tmp_path, size=9)
    for name in ("token", "bars") if which == "requires" else ("bars",):
        units = config.groups[name].units
        more: dict[str, Any] = {"units": list(units), "f": {unit: f[unit] for unit in units}}
        modes.append(config.evidence, name, "rust", "for the test", was="canary", **more)
    after, said = run(tmp_path)
    assert after[SIZE][1] == f[SIZE]
    assert [after[unit][0::2] for unit in (PRICE, SIZE)] == [["shadow", 0], ["shadow", 0]]
    assert WHY[which] in said
    shown = effective(config)
    assert (shown[PRICE][0], shown[SIZE][0]) == ("shadow", "shadow")
    assert WHY[which] in shown[PRICE][1]


def test_what_is_required_must_stand_there_with_its_code_of_now_for_a_promotion(tmp_path: Path) -> None:
    config = desk(tmp_path, groups=GROUPS["requires"])
    for name in ("token", "bars"):
        approve(config, name, "canary")
        if name == "token":
            assert go(config, "token", "canary").promoted
    assert stands(config, SIZE) == "canary"

    class Now(Gate):
        def __call__(self, *given: Any) -> Any:
            judged = super().__call__(*given)
            judged.stands = {SIZE: "shadow", PRICE: "shadow"}
            return judged

    missing = go(config, "bars", "canary", Now())
    assert (missing.promoted, "requires group token, which stands in shadow" in " ".join(missing.missing)) == (
        False,
        True,
    )
    assert go(config, "bars", "canary").promoted
