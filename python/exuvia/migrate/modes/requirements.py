"""What must be on record before a group takes a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exuvia.migrate.modes import approvals, frozen, stays, worth
from exuvia.migrate.modes.entries import MODES
from exuvia.migrate.modes.said import lower
from exuvia.migrate.modes.standing import of_group

if TYPE_CHECKING:
    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.modes.judging import Judged
    from exuvia.migrate.modes.said import Journal
    from exuvia.migrate.modes.surface import Surface

__all__ = ["Need", "always", "approvers", "needs", "speedy"]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a step needs.

    Attributes:
        what: `ceiling`, `step`, `surface`, `effect`, `comparator`, `worth`, `gate`, `key`, `drill`, `approvals`,
            `requires`, `quarantine` or `frozen`.
        verdict: `PASS`, `FAIL` or `INCONCLUSIVE`.
        why: What is on record, or what is missing.
        do: What to run for it, if one command does.
    """

    what: str
    verdict: str
    why: str
    do: str = ""


def approvers(group: GroupConfig, to: str) -> int:
    """Return how many identities must approve a step.

    Args:
        group: The group.
        to: The mode that the step leads to.
    """
    if to not in ("canary", "rust"):
        return 0
    return max(group.approvers, 2 if to == "rust" and group.effect == "orders" else 1)


def needs(
    config: Config,
    group: GroupConfig,
    journal: Journal,
    to: str,
    *,
    judged: Judged | None,
    surface: Surface,
    now_ns: int,
    override: str | None = None,
) -> list[Need]:
    """Return everything that a step needs, with what there is of it.

    A rehearsal needs only the gate, and that for rust; nothing is ever promoted out of quarantine, over a group
    that it requires, while frozen, or to canary without a key.

    Args:
        config: The configuration.
        group: The group.
        journal: The mode journal.
        to: The mode that the step leads to.
        judged: The gate's verdict; shadow needs none.
        surface: Looks at both sides of a unit.
        now_ns: UTC nanoseconds.
        override: Why units for speed move whatever the worth-it verdict on them is.
    """
    found = always(config, group, journal, to, glass=False, now_ns=now_ns, judged=judged)
    if judged is not None and (to == "rust" or not config.rehearsal):
        do = "" if judged.verdict == "PASS" else "\n".join(judged.do)
        found.append(Need("gate", judged.verdict, "; ".join(judged.reasons), do))
    if config.rehearsal:
        return found
    if to == "shadow":
        for unit in group.units:
            found += _sides(config, group, unit, surface, override)
    if to in ("canary", "rust"):
        found += [need for unit in group.units for need in _bound(config, unit, surface)]
    found += [_worth(config, group, journal, unit, to, override=override) for unit in speedy(config, group)]
    if to == "rust" and group.units:
        # Of a group that is observed by its artefacts nothing runs here that could be rolled back.
        found.append(_drill(group, journal, judged))
    if judged is not None:
        found.append(_approved(config, group, journal, to, judged))
    return found


def always(
    config: Config, group: GroupConfig, journal: Journal, to: str, *, glass: bool, now_ns: int, judged: Judged | None
) -> list[Need]:
    """Return what holds even where the glass is broken or everything is a rehearsal: overlays, requirements, a key.

    Args:
        config: The configuration.
        group: The group.
        journal: The mode journal.
        to: The mode that the step leads to.
        glass: Whether the glass is broken.
        now_ns: UTC nanoseconds.
        judged: The gate's verdict, if there is one: it knows where the units stand as their code is now.
    """
    found = []
    for unit in (*group.units, group.name):
        if unit in journal.quarantined:
            cause = journal.quarantined[unit].get("cause")
            found.append(Need("quarantine", "FAIL", f"{unit}: {cause}; exuvia promote {unit} --clear CAUSE"))
    for name in group.requires:
        other = of_group(config, journal, config.groups[name]).mode
        for unit in config.groups[name].units:
            other = lower(other, judged.stands.get(unit, other) if judged is not None else other)
        if MODES.index(other) < MODES.index(to):
            why = f"requires group {name}, which stands in {other}: promote that to {to} first"
            found.append(Need("requires", "INCONCLUSIVE", why, f"exuvia promote {name} --to {to}"))
    if to == "canary":
        missing = [unit for unit in group.units if config.units[unit].key is None]
        if missing:
            named = ", ".join(f"{unit} ({config.path.name}:{config.units[unit].line})" for unit in missing)
            why = f'{named}: a canary keeps one account on one side: key = "$args.account"'
            found.append(Need("key", "INCONCLUSIVE", why))
    for why in frozen.reasons(config, group, journal, glass=glass, now_ns=now_ns):
        found.append(Need("frozen", "INCONCLUSIVE", why))
    return list(dict.fromkeys(found))


def speedy(config: Config, group: GroupConfig) -> list[str]:
    """Return the units of a group that move for speed, and so need a worth-it verdict.

    Args:
        config: The configuration.
        group: The group.
    """
    return [unit for unit in group.units if config.units[unit].aim == "speed"]


def _sides(config: Config, group: GroupConfig, unit: str, surface: Surface, override: str | None) -> list[Need]:
    """What shadow needs to know of both sides: the same surface, a declared effect, comparators."""
    declared = config.units[unit]
    sides = surface(config, declared)
    seen = []
    if sides.callers:
        why = (
            f"{unit}: legacy looks at the frames that called it ({sides.callers}), and outside of legacy a frame of "
            "exuvia stands there: split it so that the unit does not, or say why this does no harm"
        )
        do = f'exuvia promote {group.name} --to shadow --override "REASON"'
        seen = [Need("surface", "PASS" if override else "FAIL", why, "" if override else do)]
    return [
        Need("surface", sides.verdict, sides.why, sides.do),
        *seen,
        Need("effect", "PASS", f"{unit}: {declared.effect}, as declared"),
        Need("comparator", sides.comparator, sides.results),
    ]


def _bound(config: Config, unit: str, surface: Surface) -> list[Need]:
    """Why a class cannot serve, though it was observed: what asks for legacy's class would not know the candidate's."""
    declared = config.units[unit]
    why = "" if declared.kind in ("function", "method") else surface(config, declared).bound
    return [Need("surface", "FAIL", why)] if why else []


def _worth(config: Config, group: GroupConfig, journal: Journal, unit: str, to: str, *, override: str | None) -> Need:
    """The last worth-it verdict of a unit, or what overrides it."""
    said = worth.on_record(journal, config.units[unit], override)
    if said.state == "PASS":
        return Need("worth", "PASS", f"{unit}: {said}")
    all_the_same = f'exuvia promote {group.name} --to {to} --override "REASON"'
    if said.verdict is None:
        ask = f"exuvia worth --record --unit {unit} -m PROGRAM"
        return Need("worth", "INCONCLUSIVE", f"{unit}: its aim is speed and {said}", f"{ask}\nor {all_the_same}")
    return Need("worth", "FAIL", f"{unit}: {said}", all_the_same)


def _drill(group: GroupConfig, journal: Journal, judged: Judged | None) -> Need:
    """The last rollback that was measured since the group has stood in canary: on this F, and it passed."""
    moved = stays.changes(journal, stays.names_of(group))
    since = moved[-1].place if moved else -1
    of_now = [entry for entry in journal.lines[since + 1 :] if entry.get("kind") == "drill"]
    last: dict[str, Any] | None = next((entry for entry in reversed(of_now) if entry["unit"] == group.name), None)
    if last is None or judged is None or last["f"] != judged.f or last.get("from") != "canary":
        why = f"no rollback of this F was drilled in canary: exuvia drill {group.name}"
        return Need("drill", "INCONCLUSIVE", why)
    if last["outcome"] != "PASS":
        why = f"the last drill was {last['outcome']}: find out why, then exuvia drill {group.name}"
        return Need("drill", "INCONCLUSIVE", why)
    took = last.get("longest_s", 0.0)
    return Need("drill", "PASS", f"rolled back in {took:.3f} s, {last.get('processes')} processes")


def _approved(config: Config, group: GroupConfig, journal: Journal, to: str, judged: Judged) -> Need:
    wanted = approvers(group, to)
    good, bad = approvals.standing_ones(config, journal, group, to, judged)
    who = ", ".join(f"{entry['person']} ({entry['identity']})" for entry in good)
    if len(good) >= wanted:
        return Need("approvals", "PASS", f"approved by {who}" if good else "needs none")
    void = "".join(f"; {entry['person']}'s: {why}" for entry, why in bad[-3:])
    why = (
        f"{len(good)} of {wanted} approvals{f', by {who}' if who else ''}{void}: exuvia approve {group.name} --to {to}"
    )
    return Need("approvals", "INCONCLUSIVE", why)
