"""Which step leads from which mode to which.

>>> refusal("shadow", "canary", rehearsal=False, glass=False) is None
True
>>> print(refusal("shadow", "rust", rehearsal=False, glass=False))
there is no step from shadow to rust: canary comes first
>>> print(refusal("legacy", "rust", rehearsal=False, glass=False, name="desk"))
there is no step from legacy to rust: shadow comes first: exuvia promote desk --to shadow
"""

from __future__ import annotations

from exuvia.migrate.modes.entries import MODES

__all__ = ["WAY_BACK", "refusal"]

WAY_BACK = (
    "retired: legacy's code is gone, so the mode cannot bring it back; the way back is git revert of the commit "
    "that deleted it, or the image that was kept"
)
NO_CERTIFICATE = (
    "rust → retired takes legacy's code away, and that needs a deletion certificate that says who still imports "
    "it; exuvia cannot write one yet (prove-deletable): leave the unit in rust"
)


def refusal(now: str, to: str, *, rehearsal: bool, glass: bool, name: str | None = None) -> str | None:
    """Say why a step does not exist, `None` if it does.

    Args:
        now: Where the group stands.
        to: Where it should go.
        rehearsal: Whether steps may be left out because it is one.
        glass: Whether steps may be left out because the glass is broken.
        name: The group, for the commands that are named.
    """
    here, there = MODES.index(now), MODES.index(to)
    if to == "retired":
        return NO_CERTIFICATE
    if now == "retired":
        return WAY_BACK
    if to == MODES[0] or there < here:
        down = f"promote goes up, and {to} lies below {now}: the way down is exuvia rollback, and it goes to legacy"
        if to != "shadow":
            return down
        which = "" if name is None else f" {name}"
        return f"{down}: exuvia rollback{which}, then exuvia promote{which} --to shadow"
    if there - here <= 1 or rehearsal or glass:
        return None
    first = MODES[here + 1]
    way = "" if name is None else f": exuvia promote {name} --to {first}"
    return f"there is no step from {now} to {to}: {first} comes first{way}"
