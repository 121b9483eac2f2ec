"""Faults of floats, Decimals, integers and flags."""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exuvia.migrate.comparator.faults.fault import fault, need

if TYPE_CHECKING:
    import random

__all__: list[str] = []

TIMES = 1_000_000_000_000_000
GRID = 8
FAR = 1_000
FARTHEST = 1e300


def _tick(value: float) -> float:
    """One unit of the last decimal of a price as it is quoted."""
    need(math.isfinite(value) and "e" not in repr(value))
    decimals = len(repr(value).partition(".")[2])
    need(decimals <= GRID)
    return float(10.0**-decimals)


@fault("a tick up", float, amount=True)
def _tick_up(_: random.Random, value: float) -> float:
    return value + _tick(value)


@fault("a tick down", float, amount=True)
def _tick_down(_: random.Random, value: float) -> float:
    return value - _tick(value)


@fault("the last bit of a float", float, fine=True)
def _last_bit(rng: random.Random, value: float) -> float:
    need(math.isfinite(value))
    return math.nextafter(value, rng.choice([math.inf, -math.inf]))


@fault("any bit of a float", float, fine=True)
def _any_bit(rng: random.Random, value: float) -> float:
    (bits,) = struct.unpack("<Q", struct.pack("<d", value))
    (made,) = struct.unpack("<d", struct.pack("<Q", bits ^ (1 << rng.randrange(64))))
    need(not math.isnan(made))
    return float(made)


@fault("the sign of a float", float, amount=True)
def _sign(_: random.Random, value: float) -> float:
    need(value not in (0.0, -0.0) and not math.isnan(value))
    return -value


@fault("negative zero", float, fine=True)
def _minus_zero(_: random.Random, value: float) -> float:
    need(value == 0)
    return -value


@fault("NaN", float)
def _nan(_: random.Random, value: float) -> float:
    need(not math.isnan(value))
    return math.nan


@fault("infinity", float)
def _infinity(_: random.Random, value: float) -> float:
    need(value != math.inf)
    return math.inf


@fault("a float in 32 bits", float, fine=True)
def _single(_: random.Random, value: float) -> float:
    need(abs(value) < 1e38)
    (made,) = struct.unpack("<f", struct.pack("<f", value))
    return float(made)


@fault("a float cut to a whole number", float, amount=True)
def _cut(_: random.Random, value: float) -> float:
    need(math.isfinite(value) and abs(value) >= 1 and value != int(value))
    return float(int(value))


@fault("a price ten times as high", float, amount=True)
def _ten_times(_: random.Random, value: float) -> float:
    need(math.isfinite(value) and value != 0)
    return value * 10


@fault("a percent off", float, amount=True)
def _percent(_: random.Random, value: float) -> float:
    need(math.isfinite(value) and abs(value) > 1e-300)
    return value * 1.01


@fault("zero for a price", float, amount=True)
def _zero(_: random.Random, value: float) -> float:
    need(value != 0)
    return 0.0


@fault("a float far off", float)
def _float_far_off(rng: random.Random, value: float) -> float:
    """As `an integer far off`."""
    need(abs(value) < FARTHEST)
    return value + rng.choice([-1, 1]) * (10 * abs(value) + FAR)


@fault("an integer for a float", float, fine=True)
def _int_for_float(_: random.Random, value: float) -> int:
    need(math.isfinite(value) and value == int(value))
    return int(value)


@fault("text for a float", float)
def _text_for_float(_: random.Random, value: float) -> str:
    return str(value)


@fault("a Decimal for a float", float, fine=True)
def _decimal_for_float(_: random.Random, value: float) -> Decimal:
    return Decimal(repr(value))


@fault("None for a number", float, int, Decimal)
def _none_for_number(_: random.Random, __: Any) -> None:
    return None


@fault("the last digit of a Decimal", Decimal, amount=True)
def _last_digit(rng: random.Random, value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    need(isinstance(exponent, int))
    return value + rng.choice([-1, 1]) * Decimal((0, (1,), int(exponent)))


@fault("the exponent of a Decimal", Decimal, fine=True)
def _exponent(_: random.Random, value: Decimal) -> Decimal:
    sign, digits, exponent = value.as_tuple()
    need(isinstance(exponent, int))
    return Decimal((sign, (*digits, 0), int(exponent) - 1))


@fault("the sign of a Decimal", Decimal, amount=True)
def _decimal_sign(_: random.Random, value: Decimal) -> Decimal:
    need(value.is_finite())
    return value.copy_negate()


@fault("a Decimal far off", Decimal)
def _decimal_far_off(rng: random.Random, value: Decimal) -> Decimal:
    """As `an integer far off`."""
    need(value.is_finite())
    return value + rng.choice([-1, 1]) * (10 * abs(value) + FAR)


@fault("a float for a Decimal", Decimal, fine=True)
def _float_for_decimal(_: random.Random, value: Decimal) -> float:
    return float(value)


@fault("one more", int, fine=True)
def _one_more(_: random.Random, value: int) -> int:
    return value + 1


@fault("one less", int, fine=True)
def _one_less(_: random.Random, value: int) -> int:
    return value - 1


@fault("the sign of an integer", int, fine=True)
def _int_sign(_: random.Random, value: int) -> int:
    need(value)
    return -value


@fault("an integer far off", int)
def _far_off(rng: random.Random, value: int) -> int:
    """Beyond every tolerance that leaves anything of a value: a rule that hides this hides whatever is there."""
    return value + rng.choice([-1, 1]) * (10 * abs(value) + FAR)


@fault("a float for an integer", int, fine=True)
def _float_for_int(_: random.Random, value: int) -> float:
    need(abs(value) < 2**1000)
    return float(value)


@fault("text for an integer", int)
def _text_for_int(_: random.Random, value: int) -> str:
    return str(value)


@fault("milliseconds for nanoseconds", int)
def _milliseconds(_: random.Random, value: int) -> int:
    need(value > TIMES)
    return value // 1_000_000


@fault("a time an hour off", int)
def _hour_off(rng: random.Random, value: int) -> int:
    need(value > TIMES)
    return value + rng.choice([-1, 1]) * 3_600_000_000_000


@fault("an integer in 32 bits", int)
def _wrapped(_: random.Random, value: int) -> int:
    need(not -(2**31) <= value < 2**31)
    return (value + 2**31) % 2**32 - 2**31


@fault("a flag for an integer", int)
def _flag_for_int(_: random.Random, value: int) -> bool:
    need(value in (0, 1))
    return bool(value)


@fault("a flag turned", bool)
def _turned(_: random.Random, value: bool) -> bool:
    return not value


@fault("an integer for a flag", bool)
def _int_for_flag(_: random.Random, value: bool) -> int:
    return int(value)
