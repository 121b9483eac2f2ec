"""Whatever a desk types, no unit gets where it may not stand: a model with rules of its own judges."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from desk import Gate, desk, same_surface, stands
from exuvia.errors import MigrateError
from exuvia.migrate.modes import approvals, expiry, overlays, rollback, steps
from exuvia.migrate.modes import journal as modes
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

GROUPS = '[group.feeds]\nunits = ["bot:size"]\n[group.desk]\nunits = ["bot:price"]\nrequires = ["feeds"]\n'
UNIT = {"feeds": "bot:size", "desk": "bot:price"}
UP = {"legacy": "shadow", "shadow": "canary", "canary": "rust"}
ORDER = ["legacy", "shadow", "canary", "rust", "retired"]
NAMES = st.sampled_from(["feeds", "desk"])
MODES = st.sampled_from(ORDER)


class Desk(RuleBasedStateMachine):
    """The commands of a desk, and what may come of them, kept in plain words beside the journal."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="exuvia-model-"))
        self.config = desk(self.folder, 'kill_file = "STOP"', GROUPS)
        self.gate = Gate()
        self.mode = dict.fromkeys(UNIT, "shadow")
        self.glass: dict[str, str] = {}
        self.approved: dict[str, tuple[str, dict[str, str], int]] = {}
        self.promoted: dict[str, dict[str, str]] = {}
        self.drilled: dict[str, dict[str, str]] = {}
        self.quarantined: set[str] = set()
        self.frozen = self.killed = False
        self.reached: set[str] = set()
        # The lowest that feeds went down to since the last word on desk: only promote raises desk again.
        self.held = ORDER[-1]

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def f(self, name: str) -> dict[str, str]:
        return {UNIT[name]: self.gate.f[UNIT[name]]}

    def stood(self, name: str) -> str:
        """Where the model says that a group stands."""
        if self.killed or name in self.quarantined:
            return "legacy"
        own = self.mode[name]
        return own if name == "feeds" else min(own, self.held, self.stood("feeds"), key=ORDER.index)

    def seen(self, name: str) -> str:
        """Where it stands for a step: other code than was promoted stands in shadow."""
        stood = self.stood(name)
        stale = self.mode[name] != "legacy" and self.promoted.get(name, self.f(name)) != self.f(name)
        return min(stood, "shadow", key=ORDER.index) if stale else stood

    def moved(self, name: str, *modes: str) -> None:
        """A word on a group: a new stay, which no drill knows; desk leans on feeds."""
        self.drilled.pop(name, None)
        self.held = ORDER[-1] if name == "desk" else min(self.held, *modes, key=ORDER.index)

    def lowered(self, name: str) -> None:
        self.moved(name, "legacy")
        if name == "feeds":
            self.approved.pop("desk", None)
        self.promoted.pop(name, None)
        self.mode[name] = "legacy"
        self.approved.pop(name, None)
        self.glass.pop(name, None)

    @rule(name=NAMES, to=MODES, glass=st.booleans())
    def promote(self, name: str, to: str, glass: bool) -> None:
        before, may = self.seen(name), not (self.frozen or self.killed or name in self.quarantined)
        above = name == "desk" and ORDER.index(self.stood("feeds")) < ORDER.index(to)
        try:
            (outcome,) = steps.promote(
                self.config, [name], to, "x", glass="hurry" if glass else None, judge=self.gate, surface=same_surface
            )
        except MigrateError:
            written = False
        else:
            written = outcome.promoted
        step, f = to in (UP.get(before), before), self.f(name)
        record = to == "shadow" or (
            self.gate.verdict == "PASS"
            and self.approved.get(name) == (to, f, self.gate.differed)
            and (to != "rust" or self.drilled.get(name) == f)
        )
        good = may and not above and to not in ("legacy", "retired") and ORDER.index(to) >= ORDER.index(before)
        assert written == (good and ((step and record) or glass)), (name, before, to, glass)
        if written:
            self.mode[name] = to
            self.promoted[name] = f
            if to == "shadow":
                del self.promoted[name]
            self.reached.add(to)
            if glass and not (step and record):
                # A second glass is broken over the first: it ends where the first would have.
                self.glass[name] = min(before, self.glass.get(name, before), key=ORDER.index)
            else:
                self.glass.pop(name, None)
            self.moved(name, self.glass.get(name, before), to)

    @rule(name=NAMES, to=st.sampled_from(["canary", "rust"]))
    def approve(self, name: str, to: str) -> None:
        group, journal = self.config.groups[name], modes.read(self.config.evidence)
        judged = self.gate(self.config, group, journal, to)
        try:
            text = approvals.statement(
                self.config, group, journal, to, person=modes.user(), lasts_ns=approvals.DAY_NS, judged=judged
            )
            approvals.record(self.config, text, None, judged)
        except MigrateError:
            assert UP.get(self.seen(name)) != to or self.gate.verdict != "PASS"
            return
        assert UP[self.seen(name)] == to
        self.approved[name] = to, self.f(name), self.gate.differed

    @rule(name=NAMES)
    def climb(self, name: str) -> None:
        """What a careful desk does, so that the model also sees the upper modes."""
        self.gate.verdict = "PASS"
        to = UP.get(self.seen(name))
        if to in ("canary", "rust"):
            self.drill(name)
            self.approve(name, to)
        if to is not None:
            self.promote(name, to, glass=False)

    @rule(name=NAMES)
    def revoke(self, name: str) -> None:
        approvals.revoke(self.config, self.config.groups[name], "x")
        self.approved.pop(name, None)

    @rule(name=st.sampled_from(["feeds", "desk", None]))
    def roll_back(self, name: str | None) -> None:
        rollback.rollback(str(self.config.path), None, [name] if name else [], "x")
        for each in [name] if name else UNIT:
            self.lowered(each)

    @rule(name=NAMES)
    def quarantine(self, name: str) -> None:
        overlays.quarantine(self.config, UNIT[name], "x")
        if name not in self.quarantined:
            self.lowered(name)
        self.quarantined.add(name)

    @rule(name=NAMES)
    def clear(self, name: str) -> None:
        try:
            overlays.clear(self.config, name, "mended")
        except MigrateError:
            assert name not in self.quarantined
        self.quarantined.discard(name)

    @rule(name=NAMES)
    def drill(self, name: str) -> None:
        stood, f = self.seen(name), self.f(name)
        with modes.open_journal(self.config.evidence) as pen:
            pen.append({"kind": "drill", "unit": name, "from": stood, "f": f, "outcome": "PASS"})
        # Only the last one counts, and only if it was in canary.
        self.drilled[name] = f if stood == "canary" else {}

    @rule(verdict=st.sampled_from(["PASS", "FAIL", "INCONCLUSIVE"]))
    def judged(self, verdict: str) -> None:
        self.gate.verdict = verdict

    @rule(unit=st.sampled_from(sorted(UNIT.values())), f=st.sampled_from(["f1", "f2", "f3"]))
    def new_code(self, unit: str, f: str) -> None:
        self.gate.f = {**self.gate.f, unit: f}

    @rule()
    def a_call_differs(self) -> None:
        self.gate.differed += 1

    @rule(on=st.booleans())
    def freeze(self, on: bool) -> None:
        if on:
            overlays.freeze(self.config, "x")
        elif self.frozen:
            overlays.thaw(self.config, "x")
        self.frozen = on

    @rule(on=st.booleans())
    def kill_file(self, on: bool) -> None:
        path = self.folder / "STOP"
        if on:
            path.touch(0o600)
            if rollback.by_kill_file(self.config):
                for name in UNIT:
                    self.lowered(name)
        else:
            path.unlink(missing_ok=True)
        self.killed = on

    @precondition(lambda self: self.glass)
    @rule()
    def the_session_ends(self) -> None:
        journal = modes.read(self.config.evidence)
        ends = max(entry.get("until_ns", 0) for entry in journal.lines)
        for name, before in self.glass.items():
            assert ORDER.index(stands(self.config, UNIT[name], ends)) <= ORDER.index(before)
        assert expiry.sweep(self.config) == []

    @invariant()
    def every_unit_stands_where_the_model_says(self) -> None:
        for name, unit in UNIT.items():
            assert stands(self.config, unit) == self.stood(name), name

    @invariant()
    def the_journal_can_be_trusted(self) -> None:
        assert modes.read(self.config.evidence).broken is None

    @invariant()
    def nothing_is_retired(self) -> None:
        assert "retired" not in modes.read(self.config.evidence).modes.values()


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=25, stateful_step_count=30, deadline=None, derandomize=True)
