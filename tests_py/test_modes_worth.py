"""The step out of legacy: both sides, effect, comparators and worth are looked at, and what was found is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from desk import Gate, desk, lines, same_surface, stands
from exuvia.errors import MigrateError
from exuvia.migrate import config as configuration
from exuvia.migrate import modes as door
from exuvia.migrate.cli.main import main
from exuvia.migrate.evidence import reading
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.modes import requirements, standing, steps, surface, worth

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import Config

SIZE, PRICE = "bot:size", "bot:price"
PAIR = '[group.desk]\nunits = ["bot:*"]\n'


def fresh(folder: Path, **more: Any) -> Config:
    """A desk on which nothing was promoted, without the override of its configuration."""
    config = desk(folder, climbed=False, **more)
    config.path.write_text(config.path.read_text().replace('override = "a test of modes"\n', ""))
    return configuration.load(config.path)


def go(config: Config, name: str, to: str = "shadow", **more: Any) -> steps.Outcome:
    (outcome,) = steps.promote(config, [name], to, "test", judge=Gate(), **{"surface": same_surface, **more})
    return outcome


def test_one_command_takes_a_fresh_unit_up_and_says_what_it_looked_at(tmp_path: Path) -> None:
    config = fresh(tmp_path)
    refused = go(config, PRICE, surface=surface.surface)
    assert [(need.what, need.verdict) for need in refused.needs] == [
        ("surface", "PASS"), ("effect", "PASS"), ("comparator", "PASS"), ("worth", "INCONCLUSIVE"),
    ]  # fmt: skip
    assert refused.do == [
        f"exuvia worth --record --unit {PRICE} -m PROGRAM",
        f'or exuvia promote {PRICE} --to shadow --override "REASON"',
    ]
    assert (refused.promoted, (config.evidence / modes.JOURNAL).exists()) == (False, False)
    door.record_worth(config, PRICE, "migrate", why="62% of the CPU time")
    assert go(config, PRICE).promoted
    entry = lines(config)[-1]
    assert entry["worth"] == {PRICE: {"verdict": "migrate", "why": "62% of the CPU time", "at": entry_at(config)}}
    assert stands(config, PRICE) == "shadow"


def entry_at(config: Config) -> str:
    """When the worth-it verdict was written."""
    return str(next(entry["at"] for entry in lines(config) if entry["kind"] == "worth"))


def test_a_written_override_is_kept_and_holds_for_the_steps_after_it(tmp_path: Path) -> None:
    config = fresh(tmp_path)
    door.record_worth(config, PRICE, "no: it waits")
    failed = go(config, PRICE)
    assert (failed.verdict, failed.do) == ("FAIL", [f'exuvia promote {PRICE} --to shadow --override "REASON"'])
    assert go(config, PRICE, override="one language less").promoted
    said = lines(config)[-1]["worth"][PRICE]
    assert (said["verdict"], said["override"]) == ("no: it waits", "one language less")
    needed = {need.what: need.verdict for need in go(config, PRICE, "canary").needs}
    assert needed["worth"] == "PASS"
    shown = worth.of_promotion(config, modes.read(config.evidence), config.units[PRICE])
    assert str(shown) == "moves all the same: one language less (the verdict was: no: it waits)"
    (state, _) = sorted(reading.statuses(config, []), key=lambda state: state.unit)
    assert state.worth == str(shown)
    assert state.as_dict()["worth"] == str(shown)


def test_an_override_needs_a_reason_and_something_to_override(tmp_path: Path) -> None:
    config = fresh(tmp_path)
    with pytest.raises(MigrateError, match="overridden with a reason"):
        go(config, PRICE, override=" ")
    units = {name: replace(unit, aim="safety") for name, unit in config.units.items()}
    with pytest.raises(MigrateError, match="only where aim is speed"):
        go(replace(config, units=units), PRICE, override="x")
    assert go(replace(config, units=units), PRICE).promoted
    assert "worth" not in lines(config)[-1]
    # An override is no glass: what the surface lacks stays lacking.
    apart = surface.Sides("FAIL", "another signature", "PASS", "")
    assert not go(config, SIZE, override="x", surface=lambda *_: apart).promoted


def test_a_whole_group_goes_up_with_the_verdict_of_each_of_its_units(tmp_path: Path) -> None:
    config = fresh(tmp_path, groups=PAIR)
    door.record_worth(config, PRICE, "migrate")
    missing = go(config, "desk")
    assert [need.why.split(":")[1] for need in missing.needs if need.verdict != "PASS"] == ["size"]
    held = standing.of_unit(config, modes.read(config.evidence), PRICE)
    assert (held.mode, held.unsaid, "run exuvia promote desk --to shadow" in str(held.why)) == ("legacy", True, True)
    assert go(config, "desk", override="it flips with the other").promoted
    assert set(lines(config)[-1]["worth"]) == {PRICE, SIZE}
    assert (stands(config, PRICE), stands(config, SIZE)) == ("shadow", "shadow")


def test_a_result_without_a_comparator_goes_nowhere(tmp_path: Path) -> None:
    config = fresh(tmp_path)
    opaque = (
        "class Handle:\n    __slots__ = ()\n"
        "def price(account, n=1) -> Handle:\n    return Handle()\n"
        "class Book:\n    def add(self, n) -> Handle:\n        return Handle()\n"
    )
    for name in ("bot.py", "shim.py"):
        (tmp_path / name).write_text(opaque)
    found = surface.surface(config, config.units[PRICE])
    assert (found.verdict, found.comparator) == ("PASS", "FAIL")
    assert "returns Handle, which has no fields that can be read" in found.results
    assert not go(config, PRICE, override="x", surface=surface.surface).promoted
    ruled = replace(config.units[PRICE], compare=(("$", "repr"),))
    assert surface.surface(config, ruled).results == f"{PRICE}: $ by repr, all else bit for bit"
    book = replace(config.units[PRICE], name="bot:Book", candidate="shim:Book")
    assert "Book.add returns Handle" in surface.surface(config, book).results
    of_method = replace(book, compare=(("add:$", "repr"),))
    assert surface.surface(config, of_method).comparator == "PASS"


def test_what_a_rehearsal_promoted_counts_in_rehearsals_only(tmp_path: Path) -> None:
    config = fresh(tmp_path)
    rehearsal = replace(config, rehearsal=True)
    assert go(rehearsal, PRICE, "rust").promoted
    assert lines(config)[-1]["rehearsal"]
    assert (stands(rehearsal, PRICE), stands(config, PRICE)) == ("rust", "legacy")
    place = standing.of_unit(config, modes.read(config.evidence), PRICE)
    assert str(place.why).startswith("was promoted in a rehearsal only, which does not count, so it stands in legacy")
    assert standing.note(config, modes.read(config.evidence), PRICE) == place.why
    modes.append(config.evidence, PRICE, "legacy", "back")
    assert "held" not in str(standing.of_unit(rehearsal, modes.read(config.evidence), SIZE).why)
    assert stands(rehearsal, PRICE) == "legacy", "a rollback holds everywhere"
    door.record_worth(config, PRICE, "migrate")
    assert go(config, PRICE).promoted
    assert stands(config, PRICE) == "shadow"


def test_an_entry_whose_worth_is_no_table_says_nothing_of_it(tmp_path: Path) -> None:
    config = fresh(tmp_path)
    for odd in ("migrate", {PRICE: "migrate"}, {PRICE: {"override": ""}}, None):
        modes.append(config.evidence, PRICE, "shadow", "by hand", worth=odd)
        assert worth.of_promotion(config, modes.read(config.evidence), config.units[PRICE]) is None
    assert requirements.speedy(config, config.group_of(PRICE)) == [PRICE]


def test_the_command_line_says_what_to_run_with_the_configuration_that_was_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = fresh(tmp_path)
    named = ["--config", str(config.path)]
    assert main(["promote", PRICE, "--to", "shadow", *named]) == 3
    out, err = capsys.readouterr()
    assert err == f"{PRICE}: refused, INCONCLUSIVE: worth\n"
    assert f"next: exuvia worth --config {config.path} --record --unit {PRICE} -m PROGRAM\n" in out
    assert main(["promote", PRICE, "--to", "shadow", "--override", "for the test", *named]) == 0
    assert f"next: exuvia run --config {config.path} -m PROGRAM, then exuvia status" in capsys.readouterr().out
    assert main(["doctor", *named]) in (0, 1, 3)
    doctor = capsys.readouterr().out
    assert f"{SIZE} was never promoted, so it stands in legacy; the file allows rust: run exuvia promote" in doctor
