"""Approvals: who says that a group may take a step, on which code and which evidence, and until when.

An approval is void once the code changes, a call differs, evidence is gone, the group went back to legacy, or its
time is over; and it counts only for as long as the configuration names its person with the same identity.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.modes import frozen, identity, standing, stays, transitions
from exuvia.migrate.modes.judging import digest
from exuvia.migrate.modes.writing import open_journal, user
from exuvia.migrate.own import json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from exuvia.migrate.config import Config, GroupConfig
    from exuvia.migrate.modes.judging import Judged
    from exuvia.migrate.modes.said import Journal

__all__ = ["DAY_NS", "export", "person_of", "read", "record", "revoke", "standing_ones", "statement", "void"]

DAY_NS = 86_400_000_000_000
LONGEST_NS = 30 * DAY_NS
WORDS = ("unit", "from", "step", "f", "serves", "evidence", "compared", "differed", "person", "made_ns", "expires_ns")


def person_of(config: Config, key: Path | None) -> tuple[str, str]:
    """Return name and identity under which this user, or the holder of a key, approves.

    Args:
        config: The configuration, whose approvers are the only ones if it names any.
        key: The SSH key's file.

    Raises:
        MigrateError: For someone who may not.
    """
    own = identity.mine() if key is None else identity.public_of(key)
    mine = identity.canonical(own)
    for name, declared in config.approvers.items():
        if identity.canonical(declared) == mine:
            return name, declared
    if not config.approvers and key is None:
        return user(), own
    where = f"[exuvia.approvers] of {config.path}"
    raise MigrateError(f"{own[:100]} may not approve: {where} names {', '.join(config.approvers) or 'nobody'}")


def statement(
    config: Config, group: GroupConfig, journal: Journal, to: str, *, person: str, lasts_ns: int, judged: Judged
) -> str:
    """Return what is approved, as the one line that is signed.

    Args:
        config: The configuration.
        group: The group.
        journal: The mode journal.
        to: The mode that the step leads to.
        person: The approver's name in the configuration.
        lasts_ns: How long the approval holds.
        judged: The gate's verdict: only a PASS is approved.

    Raises:
        MigrateError: For a step that does not exist from here, or a time that is none.
    """
    now = journal.now()
    if not 0 < lasts_ns <= LONGEST_NS:
        raise MigrateError(f"an approval holds for up to {LONGEST_NS // DAY_NS} days: pass --expires 7d")
    here = standing.of_group(config, journal, group, f=judged.f).mode
    refused = transitions.refusal(here, to, rehearsal=config.rehearsal, glass=False)
    if refused or here == to:
        raise MigrateError(f"{group.name}: {refused or f'it stands in {to} already'}")
    said = {
        "unit": group.name,
        "from": here,
        "step": to,
        "f": judged.f,
        "serves": _serves(config, group),
        "evidence": digest(config),
        "compared": judged.compared,
        "differed": judged.differed,
        "person": person,
        "made_ns": now,
        "expires_ns": now + lasts_ns,
    }
    return json.dumps(said, sort_keys=True)


def record(config: Config, text: str, signature: str | None, judged: Judged) -> dict[str, Any]:
    """Write an approval into the journal.

    Args:
        config: The configuration.
        text: The statement.
        signature: The key's signature of it; without one it is the OS user's.
        judged: The gate's verdict now.

    Returns:
        The entry.

    Raises:
        MigrateError: If it does not hold: another F, a signature of someone else, a verdict that is no PASS.
    """
    said = read(text)
    if judged.verdict != "PASS":
        raise MigrateError(f"there is nothing to approve: {judged.verdict}: {'; '.join(judged.reasons)}")
    person = str(said["person"])
    declared = config.approvers.get(person, identity.mine() if not config.approvers else "")
    if not declared:
        raise MigrateError(f"{person!r} may not approve: {config.path} names {', '.join(config.approvers)}")
    if signature is None and declared != identity.mine():
        raise MigrateError(f"{person!r} is {declared[:60]}, and this is {identity.mine()}: sign with the key instead")
    entry = {"kind": "approval", **said, "identity": identity.canonical(declared), "statement": text}
    if signature is not None:
        entry["signature"] = signature
    with open_journal(config.evidence) as pen:
        journal = pen.read()
        turned = frozen.clock_behind(journal)
        wrong = turned or void(config, journal, {**entry, "ns": said["made_ns"]}, len(journal.lines), judged)
        if wrong is not None:
            raise MigrateError(f"this approval does not hold: {wrong}")
        return pen.append(entry)


def read(text: str) -> dict[str, Any]:
    """Read a statement.

    Args:
        text: As `statement` returns it.

    Raises:
        MigrateError: If it is none.
    """
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict) or set(said) != set(WORDS):
        raise MigrateError("this is no statement of an approval: write it with exuvia approve --statement FILE")
    return said


def revoke(config: Config, group: GroupConfig, reason: str) -> None:
    """Make every approval of a group void; anyone may.

    Args:
        config: The configuration.
        group: The group.
        reason: Why.
    """
    with open_journal(config.evidence, lowers=True) as pen:
        pen.append({"kind": "revoke", "unit": group.name, "reason": reason})


def standing_ones(
    config: Config, journal: Journal, group: GroupConfig, to: str | None, judged: Judged
) -> tuple[list[dict[str, Any]], list[tuple[dict[str, Any], str]]]:
    """Return the approvals of a group that count, one an identity, and those that do not with the reason.

    Args:
        config: The configuration.
        journal: The mode journal.
        group: The group.
        to: The step, `None` for all.
        judged: The gate's verdict now.
    """
    good: dict[tuple[str, str], dict[str, Any]] = {}
    bad = []
    for place, entry in enumerate(journal.lines):
        if entry.get("kind") != "approval" or entry["unit"] != group.name or to not in (None, entry["step"]):
            continue
        wrong = void(config, journal, entry, place, judged)
        if wrong is not None:
            bad.append((entry, wrong))
        else:
            good[entry["step"], entry["identity"]] = entry
    return list(good.values()), bad


def void(config: Config, journal: Journal, entry: Mapping[str, Any], place: int, judged: Judged) -> str | None:
    """Say why an approval does not hold, `None` if it does.

    Args:
        config: The configuration.
        journal: The mode journal.
        entry: The approval.
        place: Where it stands, or would stand, among the journal's entries.
        judged: The gate's verdict now.
    """
    made = entry.get("made_ns", 0)
    if not isinstance(made, int) or journal.now() >= entry["expires_ns"]:
        until = datetime.fromtimestamp(entry["expires_ns"] / 1e9, UTC)
        return f"it expired on {until:%Y-%m-%d %H:%M:%S} UTC"
    if entry["expires_ns"] - made > LONGEST_NS or made > journal.now() + 60_000_000_000:
        return "its time is none: made in the future, or for too long"
    if entry["f"] != judged.f or "" in judged.f.values():
        return "it is for another F: the code, rules or build are not those that were approved"
    lowered = _lowered(config, journal, str(entry["unit"]), place, made)
    return _changed(config, entry, judged) or lowered or _forged(config, entry)


def _changed(config: Config, entry: Mapping[str, Any], judged: Judged) -> str | None:
    """What is not as it was when the approval was given: who would be served, the differences, the evidence."""
    group = config.groups.get(str(entry["unit"])) or config.group_of(str(entry["unit"]))
    if entry.get("serves") != _serves(config, group):
        return "key, share or caps of a canary are not those that were approved"
    if judged.differed > entry.get("differed", 0):
        return f"{judged.differed - entry.get('differed', 0):,} calls have differed since"
    known = judged.heads is None or entry["evidence"] in judged.heads
    if judged.compared < entry.get("compared", 0) or not known:
        return "evidence that it was given on is gone or was changed"
    return None


def _serves(config: Config, group: GroupConfig) -> str:
    """What decides which calls the candidate serves in a canary, as a short digest: it was approved too."""
    said = [(unit.name, unit.key, unit.share, unit.caps) for unit in map(config.units.get, group.units) if unit]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _lowered(config: Config, journal: Journal, name: str, place: int, made: int) -> str | None:
    """Whether the group, or one that it requires, went back, or someone revoked, after the approval was given."""
    group = config.groups.get(name) or config.group_of(name)
    units = {name, *group.units, "*"}
    back: dict[int, str] = {}
    for each in standing.leads_to(config, group):
        gone = f"{name} went back" if each is group else f"{each.name}, which {name} requires, went back"
        for change in stays.changes(journal, stays.names_of(each)):
            if change.mode == "legacy":
                back.setdefault(change.place, f"{gone} to legacy after it")
    for number, entry in enumerate(journal.lines):
        if number < place and entry.get("ns", 0) < made:
            continue
        if number in back:
            return back[number]
        if entry.get("kind") == "revoke" and entry.get("unit") in units:
            return f"{entry.get('who', '?')} revoked it: {entry['reason']}"
    return None


def _forged(config: Config, entry: Mapping[str, Any]) -> str | None:
    """Whether person and identity are not, or no longer, what the entry says."""
    person = str(entry["person"])
    if not config.approvers:
        return None if str(entry["identity"]).startswith("os:") else "the configuration names no approvers with a key"
    declared = config.approvers.get(person)
    if declared is None or identity.canonical(declared) != entry["identity"]:
        return f"the configuration does not name {person} with this identity"
    if declared.startswith("os:"):
        return None
    text = str(entry.get("statement", ""))
    if any(read(text).get(word) != entry.get(word) for word in WORDS):
        return "it says something else than what was signed"
    if not identity.verified(text, str(entry.get("signature", "")), declared):
        return f"its signature is not that of {person}'s key"
    return None


def export(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return each approval as one line for the team's own log; what a name holds cannot break the line.

    Args:
        entries: Approvals.
    """
    lines = []
    for entry in entries:
        made = datetime.fromtimestamp(int(entry["made_ns"]) / 1e9, UTC)
        until = datetime.fromtimestamp(int(entry["expires_ns"]) / 1e9, UTC)
        f = ",".join(sorted({str(value) for value in entry["f"].values()}))
        words = (
            f"{made:%Y-%m-%dT%H:%M:%SZ} approval {entry['unit']} {entry['from']}→{entry['step']} F={f} "
            f"evidence={entry['evidence']} by {entry['person']} ({entry['identity']}) until {until:%Y-%m-%dT%H:%M:%SZ}"
        )
        lines.append("".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in words))
    return lines
