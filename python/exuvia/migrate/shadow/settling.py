"""What becomes of a sample: its answer goes on record, or the reason why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia.migrate.face.durations import duration
from exuvia.migrate.shadow import protocol

if TYPE_CHECKING:
    from exuvia.migrate.shadow.lane import Lane
    from exuvia.migrate.shadow.protocol import Answer, Sample

__all__ = ["settle", "settle_dropped", "settle_lost", "settle_strike"]

CALLER_NS = 8_000
"""What a sample costs in the caller and the courier, for the budget; the worker tells its own part."""


def settle(lane: Lane, sample: Sample, answer: Answer, now: float) -> str | None:
    """Put an answer on record.

    Args:
        lane: The unit's lane.
        sample: What was sent.
        answer: What came back.
        now: Monotonic seconds.

    Returns:
        What happened that must not happen, or `None`.
    """
    kind, _, twin, call, before, _, _, _, legacy_ns, _, _ = sample
    if isinstance(answer, tuple):
        if kind in protocol.SILENT:
            return None
        other_ns, work_ns, stratum, signature, kept, step = answer
        lane.failures = 0
        lane.window.spend(work_ns + CALLER_NS, now)
        lane.latency.took(legacy_ns)
        times = (other_ns, legacy_ns) if lane.side.reverse else (legacy_ns, other_ns)
        lane.record.observed_remote((), times, call=call, stratum=stratum, signature=signature)
        if kept is not None:
            lane.record.sampled(call, before, kept, signature=signature, spread=True, object_number=twin, step=step)
        return None
    if "acts" not in answer:
        return _settle_more(lane, sample, answer, now)
    for what, called in answer["acts"]:
        lane.acted(what, called=called)
    return settle(lane, sample, answer["answer"], now)


def _settle_more(lane: Lane, sample: Sample, answer: dict[str, Any], now: float) -> str | None:
    kind, _, twin, call, before, _, _, _, legacy_ns, _, _ = sample
    lane.window.spend(answer.get("work_ns", 0) + CALLER_NS, now)
    if "off" in answer:
        lane.turn_off(answer["off"])
        settle_lost(lane, sample, answer["off"])
        return None
    if "lost" in answer:
        settle_lost(lane, sample, answer["lost"])
        return None
    if "unread" in answer:
        # The twin did what was asked of it: it is not out of step.
        lane.record.lost(answer["unread"])
        return None
    if "failed" in answer:
        out_of_step(lane, twin)
        lane.failed(answer["failed"])
        return None
    lane.failures = 0
    lane.latency.took(legacy_ns)
    other_ns = answer["candidate_ns"]
    times = (other_ns, legacy_ns) if lane.side.reverse else (legacy_ns, other_ns)
    lane.record.observed_remote(
        answer["lines"],
        times,
        call=call,
        cascade=answer["cascade"],
        stratum=answer["stratum"],
        signature=answer["signature"],
        arguments=answer["arguments"],
        pickled=before if kind in (protocol.CALL, protocol.MADE, protocol.METHOD) else None,
        total=answer["total"],
        ignored=answer["ignored"],
        object_number=twin,
    )
    if answer["total"]:
        differed(lane, twin)
    if answer["kept"] is not None:
        lane.record.sampled(
            call,
            before,
            answer["kept"],
            signature=answer["signature"],
            spread=True,
            object_number=twin,
            step=answer["step"],
        )
    for step, (name, signature, given, kept) in enumerate(answer.get("life", ())):
        lane.record.sampled(name, given, kept, signature=signature, object_number=twin, step=step)
    fatal = answer["fatal"]
    if fatal is None or lane.side.reverse:
        # What ran there was legacy: the difference is on record, and that is all there is to it.
        return None
    if fatal == "panic":
        lane.record.count("panics")
    shown = answer["lines"][0]["candidate"] if answer["lines"] else ""
    return f"{fatal}: {shown}"


def out_of_step(lane: Lane, twin: int) -> None:
    """Mark a twin that has to be made anew before it tells anything again.

    Args:
        lane: The unit's lane.
        twin: Its number, 0 for none.
    """
    found = lane.twins.get(twin)
    mark = found() if found is not None else None
    if mark is not None:
        mark.stale = True


def differed(lane: Lane, twin: int) -> None:
    """Mark a twin whose further differences follow from one that is on record.

    Args:
        lane: The unit's lane.
        twin: Its number, 0 for none.
    """
    found = lane.twins.get(twin)
    mark = found() if found is not None else None
    if mark is not None:
        mark.differed = True


def settle_lost(lane: Lane, sample: Sample, why: str) -> None:
    """Count a sample that was taken and never compared.

    Args:
        lane: The unit's lane.
        sample: It.
        why: Why not.
    """
    out_of_step(lane, sample[2])
    if sample[0] not in protocol.SILENT:
        lane.record.lost(why)


def settle_dropped(lane: Lane, sample: Sample, why: str) -> None:
    """Count a sample that was taken and let go, as the queue's own losses are counted.

    Args:
        lane: The unit's lane.
        sample: It.
        why: Why it was let go.
    """
    out_of_step(lane, sample[2])
    if sample[0] not in protocol.SILENT:
        lane.dropped += 1
        lane.record.dropped(why)


def settle_strike(lane: Lane, sample: Sample, kind: str, cause: str) -> None:
    """Put a candidate's death on record as what it is: a difference. Legacy's, in reverse, is a sample lost.

    Args:
        lane: The unit's lane.
        sample: The call that it ran.
        kind: `timeout` or `panic`.
        cause: How it died.
    """
    if sample[0] in protocol.SILENT or lane.side.reverse:
        # In reverse it is legacy that ran there: its death says nothing of the candidate, which has answered.
        settle_lost(lane, sample, cause)
        return
    ours, theirs = f"answered in {duration(sample[8])}", cause.removeprefix("timeout: ")
    line = {
        "path": "$",
        "place": "$",
        "kind": kind,
        "legacy": ours,
        "candidate": theirs,
        "rule": f"deadline {lane.unit.deadline:g} s, memory {lane.unit.memory >> 20} MiB",
    }
    what = f"{protocol.step_name(sample[0])} {sample[3]}".strip()
    lane.record.observed_remote([line], None, call=sample[3], arguments=what)
    lane.record.count("timeouts" if kind == "timeout" else "panics")
