"""Steps: only legal ones, only with everything on record, whole groups at a time, and never over an overlay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from desk import Gate, desk, lines, same_surface, stands
from exuvia.errors import ConfigError, MigrateError
from exuvia.migrate import modes as door
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.modes import (
    frozen,
    judging,
    overlays,
    requirements,
    standing,
    steps,
    surface,
    transitions,
)
from exuvia.migrate.modes import journal as modes
from stepping import NS, PRICE, SIZE, approve, drilled, go

if TYPE_CHECKING:
    from pathlib import Path


PAIR = '[group.desk]\nunits = ["bot:*"]\n'


@pytest.mark.parametrize(
    ("now", "to", "words"),
    [
        ("legacy", "shadow", None),
        ("shadow", "canary", None),
        ("canary", "rust", None),
        ("rust", "rust", None),
        ("legacy", "canary", "shadow comes first"),
        ("legacy", "rust", "shadow comes first"),
        ("shadow", "rust", "canary comes first"),
        ("rust", "retired", "deletion certificate"),
        ("rust", "shadow", "the way down is exuvia rollback"),
        ("rust", "legacy", "the way down is exuvia rollback"),
        ("retired", "rust", "git revert"),
    ],
)
def test_there_are_four_steps_and_one_way_down(now: str, to: str, words: str | None) -> None:
    said = transitions.refusal(now, to, rehearsal=False, glass=False)
    assert (words in said) if words and said else said is words
    for free in ({"rehearsal": True, "glass": False}, {"rehearsal": False, "glass": True}):
        freed = transitions.refusal(now, to, **free)
        assert (freed is None) == (said is None or "comes first" in said), (now, to)


def test_the_way_down_names_the_unit_in_both_commands() -> None:
    said = transitions.refusal("rust", "shadow", rehearsal=True, glass=False, name=PRICE)
    assert said is not None
    assert said.endswith("exuvia rollback bot:price, then exuvia promote bot:price --to shadow")


def test_a_unit_climbs_step_by_step_and_every_step_needs_its_record(tmp_path: Path) -> None:
    config = desk(tmp_path)
    assert stands(config, PRICE) == "shadow"
    with pytest.raises(MigrateError, match="no step from shadow to rust"):
        go(config, PRICE, "rust")
    missing = go(config, PRICE, "canary")
    assert (missing.verdict, missing.promoted) == ("INCONCLUSIVE", False)
    assert "0 of 1 approvals" in " ".join(missing.missing)
    approve(config, PRICE, "canary")
    assert go(config, PRICE, "canary").promoted
    approve(config, PRICE, "rust")
    undrilled = go(config, PRICE, "rust")
    assert undrilled.missing == ["no rollback of this F was drilled in canary: exuvia drill bot:price"]
    drilled(config, PRICE, {PRICE: "another F"})
    assert go(config, PRICE, "rust").verdict == "INCONCLUSIVE"
    drilled(config, PRICE, {PRICE: "f1"})
    done = go(config, PRICE, "rust")
    assert (done.promoted, stands(config, PRICE), stands(config, SIZE)) == (True, "rust", "shadow")
    entry = lines(config)[-1]
    assert (entry["was"], entry["f"], entry["mode"]) == ("canary", {PRICE: "f1"}, "rust")
    with pytest.raises(MigrateError, match="deletion certificate"):
        go(config, PRICE, "retired")


def test_only_promote_raises_what_was_never_promoted_stands_in_legacy_and_names_the_command(tmp_path: Path) -> None:
    config = desk(tmp_path, groups="[group.token]\n", climbed=False)
    assert (stands(config, PRICE), stands(config, SIZE)) == ("legacy", "legacy")
    place = standing.of_unit(config, modes.read(config.evidence), PRICE)
    way = f"legacy; the file allows rust: run exuvia promote {PRICE} --to shadow"
    assert place.why == f"was never promoted, so it stands in {way}"
    with pytest.raises(MigrateError, match="no step from legacy to canary: shadow comes first"):
        go(config, PRICE, "canary")
    assert go(config, PRICE, "shadow").promoted
    assert (stands(config, PRICE), stands(config, SIZE)) == ("shadow", "legacy")
    # What is observed by its artefacts runs beside legacy by itself; a rehearsal follows its file.
    assert standing.of_group(config, modes.read(config.evidence), config.groups["token"]).mode == "shadow"
    assert stands(replace(config, rehearsal=True), SIZE) == "rust"


def test_other_code_than_was_promoted_starts_again_from_shadow(tmp_path: Path) -> None:
    config = desk(tmp_path)
    approve(config, PRICE, "canary")
    go(config, PRICE, "canary")
    fixed = Gate(f={PRICE: "f9"})
    with pytest.raises(MigrateError, match="no step from shadow to rust"):
        go(config, PRICE, "rust", fixed)
    assert "it is for another F" in " ".join(go(config, PRICE, "canary", fixed).missing)
    approve(config, PRICE, "canary", fixed)
    assert go(config, PRICE, "canary", fixed).now == "shadow"
    assert lines(config)[-1]["f"] == {PRICE: "f9"}


def test_a_group_of_artefacts_needs_no_drill(tmp_path: Path) -> None:
    config = desk(tmp_path, groups="[group.token]\n")
    gate = Gate(f={})
    modes.append(config.evidence, "token", "canary", "x")
    approve(config, "token", "rust", gate)
    assert go(config, "token", "rust", gate).promoted


def test_a_gate_that_does_not_pass_promotes_nothing(tmp_path: Path) -> None:
    config = desk(tmp_path)
    approve(config, PRICE, "canary")
    for verdict in ("FAIL", "INCONCLUSIVE"):
        outcome = go(config, PRICE, "canary", Gate(verdict))
        assert (outcome.verdict, outcome.promoted) == (verdict, False)
    assert stands(config, PRICE) == "shadow"
    may, why = door.allowed(config, PRICE, "rust")
    assert (may, why[0]) == (
        False,
        "bot:price: there is no step from shadow to rust: canary comes first: exuvia promote bot:price --to canary",
    )
    may, why = door.allowed(config, PRICE, "canary")
    assert (may, any("nothing is on record" in reason for reason in why)) == (False, True), why


def test_a_check_lists_the_ceiling_the_steps_before_and_every_gate_at_once_and_writes_nothing(tmp_path: Path) -> None:
    config = desk(tmp_path, mode="shadow")
    before = modes.read(config.evidence).head
    found = go(config, PRICE, "rust", Gate("INCONCLUSIVE"), write=False)
    assert (found.verdict, found.promoted) == ("INCONCLUSIVE", False)
    whats = [need.what for need in found.needs if need.verdict != "PASS"]
    assert whats == ["ceiling", "step", "approvals", "gate", "drill", "approvals"], found.missing
    assert found.missing[0] == (
        f"bot:price: the configuration's ceiling is shadow; raise its mode in {config.path} first"
    )
    assert "there is no step from shadow to rust: canary comes first" in found.missing[1]
    assert found.missing[2].startswith("canary comes first: 0 of 1 approvals: exuvia approve bot:price --to canary")
    assert modes.read(config.evidence).head == before
    frozen_too = overlays.freeze(config, "audit")
    assert frozen_too is None
    assert "frozen" in [need.what for need in go(config, PRICE, "rust", write=False).needs]
    # What is to be done is refused as before, by the first thing that no record mends.
    with pytest.raises(MigrateError, match="ceiling is shadow"):
        go(config, PRICE, "rust")


def test_a_check_of_a_step_that_nothing_leads_to_says_so(tmp_path: Path) -> None:
    config = desk(tmp_path)
    with pytest.raises(MigrateError, match="deletion certificate"):
        go(config, PRICE, "retired", write=False)
    modes.append(config.evidence, PRICE, "rust", "x")
    with pytest.raises(MigrateError, match="the way down is exuvia rollback"):
        go(config, PRICE, "shadow", write=False)


def test_a_check_names_the_ceiling_of_each_unit_of_a_group_and_one_under_broken_glass(tmp_path: Path) -> None:
    config = desk(tmp_path, groups=PAIR, mode="canary")
    found = go(config, "desk", "rust", write=False, glass="a drill")
    assert [(need.what, need.why.partition(":")[0]) for need in found.needs] == [("ceiling", "bot"), ("ceiling", "bot")]
    assert [need.why.partition(": ")[0] for need in found.needs] == [PRICE, SIZE]
    raised = replace(config, units={name: replace(unit, mode="rust") for name, unit in config.units.items()})
    assert go(raised, "desk", "rust", write=False, glass="a drill").verdict == "INCONCLUSIVE"


def test_a_unit_for_speed_needs_a_worth_it_verdict_or_an_override(tmp_path: Path) -> None:
    config = desk(tmp_path)
    plain = replace(config, units={name: replace(unit, override=None) for name, unit in config.units.items()})
    assert "no worth-it verdict is on record" in go(plain, PRICE, "shadow").missing[0]
    for verdict, expected in (("no: it waits", "FAIL"), ("migrate", "PASS")):
        door.record_worth(config, PRICE, verdict, share=0.4)
        assert go(plain, PRICE, "shadow").verdict == expected
    safety = {name: replace(unit, override=None, aim="safety") for name, unit in config.units.items()}
    assert go(replace(config, units=safety), SIZE, "shadow").promoted


def test_a_group_flips_as_one_and_a_unit_of_it_not_by_itself(tmp_path: Path) -> None:
    config = desk(tmp_path, groups=PAIR)
    before = len(lines(config))
    approve(config, "desk", "canary")
    assert go(config, "desk", "canary").promoted
    assert (stands(config, PRICE), stands(config, SIZE)) == ("canary", "canary")
    assert len([entry for entry in lines(config)[before:] if entry["kind"] == "mode"]) == 1, (
        "one entry: no kill can part them"
    )
    modes.append(config.evidence, SIZE, "legacy", "one goes back")
    assert (stands(config, PRICE), stands(config, SIZE)) == ("legacy", "legacy")
    assert go(config, SIZE, "shadow").name == "desk", "naming one means all"
    assert (stands(config, PRICE), stands(config, SIZE)) == ("shadow", "shadow")


def test_a_group_stands_no_higher_than_what_it_requires(tmp_path: Path) -> None:
    groups = '[group.feeds]\nunits = ["bot:size"]\n[group.desk]\nunits = ["bot:price"]\nrequires = ["feeds"]\n'
    config = desk(tmp_path, groups=groups)
    approve(config, "desk", "canary")
    refused = go(config, "desk", "canary")
    assert "requires group feeds, which stands in shadow" in " ".join(refused.missing)
    glass = go(config, "desk", "canary", glass="now")
    assert (glass.promoted, glass.verdict) == (False, "INCONCLUSIVE"), "not even a broken glass goes over a requirement"
    approve(config, "feeds", "canary")
    assert go(config, "feeds", "canary").promoted
    assert go(config, "desk", "canary").promoted
    assert stands(config, PRICE) == "canary"
    modes.append(config.evidence, SIZE, "legacy", "feeds go back")
    assert stands(config, PRICE) == "legacy", "and it falls with what it requires"


def test_a_group_without_units_is_promoted_by_its_name_and_holds_what_requires_it(tmp_path: Path) -> None:
    groups = '[group.token]\n[group.desk]\nunits = ["bot:*"]\nrequires = ["token"]\n'
    config = desk(tmp_path, groups=groups)
    modes.append(config.evidence, "desk", "canary", "x", units=[PRICE, SIZE])
    assert stands(config, PRICE) == "shadow"
    modes.append(config.evidence, "token", "canary", "x")
    assert stands(config, PRICE) == "canary"
    assert overlays.clear(config, "token", "the vendor mended its clock") == ["token"]


def test_quarantine_holds_until_a_person_clears_it_with_a_cause(tmp_path: Path) -> None:
    config = desk(tmp_path, groups=PAIR)
    approve(config, "desk", "canary")
    go(config, "desk", "canary")
    door.quarantine(config, PRICE, "a call differed")
    door.quarantine(config, PRICE, "and again")
    assert len([entry for entry in lines(config) if entry["kind"] == "quarantine"]) == 1
    assert (stands(config, PRICE), stands(config, SIZE)) == ("legacy", "legacy")
    for glass in (None, "hurry"):
        outcome = go(config, "desk", "shadow", glass=glass)
        assert (outcome.verdict, outcome.promoted) == ("FAIL", False)
        assert "a call differed; exuvia promote bot:price --clear CAUSE" in outcome.missing[0]
    with pytest.raises(MigrateError, match="with a cause"):
        overlays.clear(config, PRICE, " ")
    with pytest.raises(MigrateError, match="not in quarantine"):
        overlays.clear(config, SIZE, "x")
    assert overlays.clear(config, "desk", "rounding, mended") == [PRICE]
    assert stands(config, PRICE) == "legacy", "clearing raises nothing"
    assert go(config, "desk", "shadow").promoted
    assert "went back to legacy after it" in " ".join(go(config, "desk", "canary").missing)


def test_nothing_is_promoted_while_frozen_by_hand_or_by_the_kill_file(tmp_path: Path) -> None:
    config = desk(tmp_path, 'kill_file = "STOP"')
    overlays.freeze(config, "audit")
    for glass in (None, "hurry"):
        assert "(audit): exuvia promote --thaw" in " ".join(go(config, PRICE, "canary", glass=glass).missing)
    overlays.thaw(config, "done")
    with pytest.raises(MigrateError, match="nothing is frozen"):
        overlays.thaw(config, "again")
    (tmp_path / "STOP").touch(0o600)
    assert stands(config, PRICE) == "legacy"
    assert "the kill file" in " ".join(go(config, PRICE, "shadow", glass="hurry").missing)
    (tmp_path / "STOP").chmod(0o666)
    assert stands(config, PRICE) == "legacy", "one that others may write holds too"
    (tmp_path / "STOP").unlink()
    assert go(config, PRICE, "shadow").promoted


def test_nothing_is_promoted_while_the_market_is_open_or_nobody_knows(tmp_path: Path) -> None:
    config = desk(tmp_path, 'calendar = "XNYS"')
    group, journal = config.group_of(PRICE), modes.read(config.evidence)
    opened = 1_763_996_400 * NS  # 2025-11-24 15:00 UTC, a Monday
    closed = 1_763_971_200 * NS  # 08:00 UTC
    for now, glass, shut in ((opened, False, True), (opened, True, False), (closed, False, False)):
        found = frozen.reasons(config, group, journal, glass=glass, now_ns=now)
        assert bool(found) == shut, found
    assert "is open by calendar XNYS" in str(frozen.market("XNYS", opened))
    assert "cannot be known" in str(frozen.market("XMOON", closed))
    assert "cannot be known" in str(frozen.market("XNYS", 2**62))
    assert frozen.market("24/7", opened) is None
    assert frozen.session_end("XNYS", opened) == 1_764_018_000 * NS, "21:00 UTC"
    assert frozen.session_end("24/7", opened) == 1_764_028_800 * NS, "midnight"
    assert frozen.session_end("XMOON", opened) == 1_764_028_800 * NS
    rehearsal = replace(config, rehearsal=True)
    assert frozen.reasons(rehearsal, group, journal, glass=False, now_ns=opened) == []


def test_two_operators_at_once_cannot_both_use_what_the_first_one_changed(tmp_path: Path) -> None:
    config = desk(tmp_path)
    approve(config, PRICE, "canary")

    class Slow(Gate):
        """While it judges, someone else rolls the unit back."""

        def __call__(self, *given: Any) -> judging.Judged:
            if not self.asked:
                modes.append(config.evidence, PRICE, "legacy", "meanwhile")
            return super().__call__(*given)

    with pytest.raises(MigrateError, match="no step from legacy to canary"):
        go(config, PRICE, "canary", Slow())
    assert stands(config, PRICE) == "legacy"

    class Busy(Gate):
        """Someone writes each time."""

        def __call__(self, *given: Any) -> judging.Judged:
            modes.append(config.evidence, SIZE, "shadow", "meanwhile")
            return super().__call__(*given)

    go(config, PRICE, "shadow")
    with pytest.raises(MigrateError, match="others keep writing"):
        go(config, PRICE, "canary", Busy(), glass="x")


def test_a_journal_that_cannot_be_trusted_promotes_nothing(tmp_path: Path) -> None:
    config = desk(tmp_path)
    modes.append(config.evidence, PRICE, "shadow", "x")
    (config.evidence / modes.JOURNAL).write_bytes(b"nonsense\n")
    with pytest.raises(MigrateError, match="cannot be trusted"):
        go(config, PRICE, "shadow")


def test_what_is_named_wrongly_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    config = desk(tmp_path, mode="shadow", climbed=False)
    with pytest.raises(ConfigError, match="did you mean 'bot:price'"):
        go(config, "bot:prise", "shadow")
    with pytest.raises(MigrateError, match="ceiling is shadow"):
        go(config, PRICE, "canary")
    for names, every in (([], False), ([PRICE], True)):
        with pytest.raises(MigrateError, match="pass --all"):
            steps.promote(config, names, "shadow", "x", every=every)
    assert not config.evidence.exists()


def test_all_means_those_whose_ceiling_and_mode_allow_it(tmp_path: Path) -> None:
    config = desk(tmp_path, climbed=False)
    units = {**config.units, SIZE: replace(config.units[SIZE], mode="legacy")}
    done = steps.promote(
        replace(config, units=units), [], "shadow", "x", every=True, judge=Gate(), surface=same_surface
    )
    assert [(one.name, one.promoted) for one in done] == [(PRICE, True), (SIZE, False)]
    assert done[1].left_out == "its mode in exuvia.toml is legacy"


def test_all_leaves_a_unit_that_is_in_shadow_alone_and_records_no_override(tmp_path: Path) -> None:
    config = desk(tmp_path)
    before = modes.read(config.evidence).head
    done = steps.promote(
        config, [], "shadow", "x", override="one language less", every=True, judge=Gate(), surface=same_surface
    )
    assert {(one.left_out, one.promoted) for one in done} == {("already in shadow", False)}
    assert modes.read(config.evidence).head == before


def test_a_rehearsal_needs_a_pass_for_rust_and_nothing_else(tmp_path: Path) -> None:
    config = desk(tmp_path, rehearsal=True)
    assert stands(config, PRICE) == "rust", "in a rehearsal the file stands where nothing was said"
    modes.append(config.evidence, "*", "legacy", "x")
    assert go(config, PRICE, "canary", Gate("FAIL")).promoted
    assert go(config, PRICE, "rust", Gate("INCONCLUSIVE")).verdict == "INCONCLUSIVE"
    assert go(config, PRICE, "rust").promoted


def test_orders_need_two_identities(tmp_path: Path) -> None:
    group = desk(tmp_path, groups=PAIR).groups["desk"]
    orders = replace(group, effect="orders")
    counts = [requirements.approvers(each, to) for each in (group, orders) for to in ("shadow", "canary", "rust")]
    assert counts == [0, 1, 1, 0, 1, 2]
    assert requirements.approvers(replace(group, approvers=3), "canary") == 3


def test_a_canary_needs_its_key_and_the_same_surface_is_looked_at_in_a_process_of_its_own(tmp_path: Path) -> None:
    config = desk(tmp_path, groups=PAIR)
    found = surface.surface(config, config.units[PRICE])
    assert (found.verdict, found.why) == ("PASS", "bot:price: same surface as shim:price")
    assert (found.comparator, found.results) == ("PASS", "bot:price: every result bit for bit")
    (tmp_path / "shim.py").write_text("async def price(account, n=1):\n    return 1\ndef size():\n    return 2\n")
    found = surface.surface(config, config.units[PRICE])
    assert (found.verdict, "the candidate is a coroutine function, legacy is not" in found.why) == ("FAIL", True)
    found = surface.surface(config, config.units[SIZE])
    assert (found.verdict, "legacy takes (account, n=1), the candidate ()" in found.why) == ("FAIL", True)
    (tmp_path / "shim.py").write_text("import nowhere_to_be_found\n")
    found = surface.surface(config, config.units[SIZE])
    assert (found.verdict, "No module named 'nowhere_to_be_found'" in found.why) == ("INCONCLUSIVE", True)
    assert (found.comparator, found.do) == ("INCONCLUSIVE", "")
    (tmp_path / "shim.py").unlink()
    assert surface.surface(config, config.units[SIZE]).do == f"exuvia scaffold {SIZE}"
    units = {name: replace(unit, key=None) for name, unit in config.units.items()}
    assert "a canary keeps one account on one side" in " ".join(
        go(replace(config, units=units), "desk", "canary").missing
    )


@pytest.mark.parametrize("glass", [None, "hurry"])
@pytest.mark.parametrize("rehearsal", [True, False])
def test_nothing_goes_to_canary_without_a_key_not_even_in_a_rehearsal(
    tmp_path: Path, rehearsal: bool, glass: str | None
) -> None:
    config = desk(tmp_path, rehearsal=rehearsal)
    for name in (PRICE, SIZE):
        modes.append(config.evidence, name, "shadow", "for the test")
    unit = config.units[PRICE]
    config = replace(config, units={**config.units, PRICE: replace(unit, key=None)})
    outcome = go(config, PRICE, "canary", glass=glass)
    assert (outcome.promoted, outcome.verdict) == (False, "INCONCLUSIVE")
    assert any(f"{PRICE} (exuvia.toml:{unit.line})" in why and "$args.account" in why for why in outcome.missing)
    assert go(config, SIZE, "canary", glass=glass).promoted or not (rehearsal or glass)


def test_a_class_that_can_only_be_observed_is_told_so_before_it_is_promoted(tmp_path: Path) -> None:
    config = desk(tmp_path, groups=PAIR)
    (tmp_path / "bot.py").write_text("class price(Exception):\n    pass\ndef size():\n    return 2\n")
    (tmp_path / "shim.py").write_text("class price(Exception):\n    pass\ndef size():\n    return 2\n")
    found = surface.surface(config, config.units[PRICE])
    assert (found.verdict, found.bound.startswith("bot:price: it is an exception")) == ("PASS", True)
    assert surface.surface(config, config.units[SIZE]).bound == ""
    (outcome,) = steps.promote(config, ["desk"], "canary", "test", judge=Gate(), surface=surface.surface)
    assert any("it is an exception: `except price` would no longer catch" in line for line in outcome.missing)


def test_what_looks_at_its_callers_goes_to_shadow_only_with_a_reason(tmp_path: Path) -> None:
    config = desk(tmp_path, climbed=False)
    (tmp_path / "bot.py").write_text("import sys\ndef price(account, n=1):\n    return sys._getframe(1) and n\n")
    found = surface.surface(config, config.units[PRICE])
    assert (found.verdict, found.callers) == ("PASS", "_getframe")

    def promoted(override: str | None) -> steps.Outcome:
        looked = lambda config, unit: replace(same_surface(config, unit), callers="_getframe")  # noqa: E731 - once
        (done,) = steps.promote(config, [PRICE], "shadow", "x", override=override, judge=Gate(), surface=looked)
        return done

    refused = promoted(None)
    assert not refused.promoted
    assert "looks at the frames that called it (_getframe)" in " ".join(refused.missing)
    assert promoted("it only logs the name").promoted


def test_the_surface_of_a_class_is_its_methods_their_signatures_and_its_pickle() -> None:
    class Legacy:
        def open(self, at: int, *, size: int = 1) -> int: ...
        def close(self) -> None: ...

    class Candidate:
        def open(self, at: int) -> int: ...

    found = surface.differences(Legacy, Candidate)
    assert any("the candidate has no close" in line for line in found)
    assert any(line.startswith("open: legacy takes (self") for line in found)
    assert surface.differences(Legacy, Legacy) == []
    assert surface.differences(Legacy, len) == ["one side is a class, the other is not"]
    assert surface.differences(Gate, Legacy)[-1] == "legacy's class pickles by name, the candidate's does not"


def test_the_real_gate_gives_verdict_f_counts_and_the_heads_that_approvals_name(tmp_path: Path) -> None:
    config = desk(tmp_path)
    judged = judging.judge(config, config.group_of(PRICE), modes.read(config.evidence), "canary")
    assert (judged.verdict, judged.compared, judged.f) == ("INCONCLUSIVE", 0, {PRICE: ""})
    assert judged.heads == [judging.digest(config)]
    token = desk(tmp_path, groups="[group.token]\n")
    found = judging.judge(token, token.groups["token"], modes.read(config.evidence), "canary")
    assert len(found.f["token"]) == 16, "a group of artefacts has an F of its own"
    rehearsed = replace(config, rehearsal=True)
    judged = judging.judge(rehearsed, config.group_of(PRICE), modes.read(config.evidence), "canary")
    assert judged.reasons == ["nothing was compared"]


def test_the_evidence_digest_follows_the_evidence(tmp_path: Path) -> None:
    config = desk(tmp_path)
    empty = judging.digest(config)
    Segment(config.evidence, {}).close()
    one = judging.digest(config)
    Segment(config.evidence, {}).close()
    assert len({empty, one, judging.digest(config)}) == 3
