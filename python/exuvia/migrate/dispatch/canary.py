"""What a canary is keyed and capped by: paths into a call's arguments, as the switch reads them."""

from __future__ import annotations

import difflib
import hashlib
import inspect
import re
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia._exuvia import Switch
    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["declare", "place", "refuse"]

PARTS = 10_000
"""Amounts are counted in ten-thousandths."""

_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def place(path: str, legacy: Callable[..., Any]) -> tuple[int | None, str | None, list[Any], list[str | int]]:
    """Find a path's argument in a signature: by position and by name, whichever way it is passed.

    >>> def send(order, account="A"): ...
    >>> place("$args.account", send), place("$args[0].legs[1]", send)
    ((1, 'account', ['A'], []), (0, 'order', [], ['legs', 1]))

    Args:
        path: `$args.account` or `$args[0]`, with further names and indices.
        legacy: What is called.

    Returns:
        Position, name, its default in a list, and the steps from there.

    Raises:
        MigrateError: If the function takes no such argument.
    """
    steps: list[str | int] = [name or int(index) for name, index in _STEP.findall(path.removeprefix("$args"))]
    if not steps:
        raise MigrateError(f"{path!r} names no argument: write $args.account or $args[0]")
    first, rest = steps[0], steps[1:]
    try:
        parameters = inspect.signature(legacy).parameters
    except (ValueError, TypeError):
        # A C function that does not tell: the call decides.
        return (first, None, [], rest) if isinstance(first, int) else (None, first, [], rest)
    taken = list(parameters.values())
    positional = [parameter for parameter in taken if parameter.kind in _POSITIONAL]
    if isinstance(first, int):
        if first < len(positional):
            parameter = positional[first]
            name = parameter.name if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD else None
            return first, name, _default(parameter), rest
        if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in taken):
            return first, None, [], rest
    else:
        named = parameters.get(first)
        if named is not None and named in positional:
            return positional.index(named), first, _default(named), rest
        if named is not None and named.kind is inspect.Parameter.KEYWORD_ONLY:
            return None, first, _default(named), rest
        if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in taken):
            return None, first, [], rest
    near = difflib.get_close_matches(str(first), parameters, n=1)
    meant = f": did you mean $args.{near[0]}?" if near else ""
    raise MigrateError(f"{path!r}: there is no such argument in ({', '.join(parameters)}){meant}")


def _default(parameter: inspect.Parameter) -> list[Any]:
    return [] if parameter.default is inspect.Parameter.empty else [parameter.default]


def refuse(config: Config, unit: UnitConfig, legacy: Callable[..., Any]) -> None:
    """Refuse a key or an amount that is no argument: nothing would be compared, and nobody would see it.

    Args:
        config: The configuration, for the line.
        unit: The unit.
        legacy: What is called, for its signature.

    Raises:
        ConfigError: Naming the line and the arguments that there are.
    """
    paths = (("key", unit.key), ("caps", unit.caps.amount_at if unit.key is not None else None))
    for key, path in paths:
        try:
            if path is not None:
                place(path, legacy)
        except MigrateError as error:
            raise config.refuse(unit.name, f"{key}: {error}", key) from None


def declare(switch: Switch, unit: UnitConfig, legacy: Callable[..., Any]) -> None:
    """Give a switch the canary of its unit, if the unit declares a key.

    Args:
        switch: The unit's switch.
        unit: The unit.
        legacy: What is called, for its signature.

    Raises:
        MigrateError: If key or amount is no argument.
    """
    if unit.key is None:
        return
    caps = unit.caps
    try:
        key = place(unit.key, legacy)
        amount_at = None if caps.amount_at is None else place(caps.amount_at, legacy)
    except MigrateError as error:
        raise MigrateError(f"unit {unit.name!r}: {error}") from None
    salt = hashlib.sha256(f"canary {unit.name}".encode()).digest()[:16]
    switch.set_canary(
        key,
        unit.share,
        salt,
        calls=caps.calls,
        calls_a_key=caps.calls_a_key,
        amount=_parts(caps.amount),
        amount_a_key=_parts(caps.amount_a_key),
        amount_at=amount_at,
    )


def _parts(amount: str | None) -> int | None:
    return None if amount is None else int((Decimal(amount) * PARTS).to_integral_value(ROUND_FLOOR))
