"""The faults that the self-test injects: what a rewrite of a trading program gets wrong.

Plain Python that shares nothing with the comparator. A fault is *gross* if no honest rule hides it, such as a tick
off or sides swapped, and *fine* if a declared tolerance may, such as the last bit of a float.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import math
import struct
import sys
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from exuvia.migrate.comparator.sites import names_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = ["FAULTS", "Fault", "Nothing"]

SIDES = {"Buy": "Sell", "Sell": "Buy", "buy": "sell", "sell": "buy", "BUY": "SELL", "SELL": "BUY"}
SIDES |= {"long": "short", "short": "long", "Long": "Short", "Short": "Long"}
LATIN_A, CYRILLIC_A = "a", chr(0x430)
TIMES = 1_000_000_000_000_000
GRID = 8


class Nothing(Exception):  # noqa: N818 - no error: the fault has nothing to change here
    """This fault cannot be injected here."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: What went wrong.
        change: Takes a random generator and a value, returns the wrong one, or raises `Nothing`.
        fine: Whether a declared tolerance may hide it.
    """

    name: str
    change: Callable[[random.Random, Any], Any]
    fine: bool = False


FAULTS: dict[str, Fault] = {}


def _fault(
    name: str, *types: type, fine: bool = False, exact: bool = True
) -> Callable[[Callable[[random.Random, Any], Any]], Callable[[random.Random, Any], Any]]:
    """Register a fault for values of these types; without a type it judges for itself."""

    def register(change: Callable[[random.Random, Any], Any]) -> Callable[[random.Random, Any], Any]:
        def guarded(rng: random.Random, value: Any) -> Any:
            if types and not (type(value) in types if exact else isinstance(value, types)):
                raise Nothing
            return change(rng, value)

        FAULTS[name] = Fault(name, guarded, fine)
        return change

    return register


def _need(condition: object) -> None:
    if not condition:
        raise Nothing


# --- floats ---


def _tick(value: float) -> float:
    """One unit of the last decimal of a price as it is quoted."""
    _need(math.isfinite(value) and "e" not in repr(value))
    decimals = len(repr(value).partition(".")[2])
    _need(decimals <= GRID)
    return float(10.0**-decimals)


@_fault("a tick up", float)
def _tick_up(_: random.Random, value: float) -> float:
    return value + _tick(value)


@_fault("a tick down", float)
def _tick_down(_: random.Random, value: float) -> float:
    return value - _tick(value)


@_fault("the last bit of a float", float, fine=True)
def _last_bit(rng: random.Random, value: float) -> float:
    _need(math.isfinite(value))
    return math.nextafter(value, rng.choice([math.inf, -math.inf]))


@_fault("any bit of a float", float, fine=True)
def _any_bit(rng: random.Random, value: float) -> float:
    (bits,) = struct.unpack("<Q", struct.pack("<d", value))
    (made,) = struct.unpack("<d", struct.pack("<Q", bits ^ (1 << rng.randrange(64))))
    _need(not math.isnan(made))
    return float(made)


@_fault("the sign of a float", float)
def _sign(_: random.Random, value: float) -> float:
    _need(value not in (0.0, -0.0) and not math.isnan(value))
    return -value


@_fault("negative zero", float, fine=True)
def _minus_zero(_: random.Random, value: float) -> float:
    _need(value == 0)
    return -value


@_fault("NaN", float)
def _nan(_: random.Random, value: float) -> float:
    _need(not math.isnan(value))
    return math.nan


@_fault("infinity", float)
def _infinity(_: random.Random, value: float) -> float:
    _need(value != math.inf)
    return math.inf


@_fault("a float in 32 bits", float, fine=True)
def _single(_: random.Random, value: float) -> float:
    _need(abs(value) < 1e38)
    (made,) = struct.unpack("<f", struct.pack("<f", value))
    return float(made)


@_fault("a float cut to a whole number", float)
def _cut(_: random.Random, value: float) -> float:
    _need(math.isfinite(value) and abs(value) >= 1 and value != int(value))
    return float(int(value))


@_fault("a price ten times as high", float)
def _ten_times(_: random.Random, value: float) -> float:
    _need(math.isfinite(value) and value != 0)
    return value * 10


@_fault("a percent off", float)
def _percent(_: random.Random, value: float) -> float:
    _need(math.isfinite(value) and abs(value) > 1e-300)
    return value * 1.01


@_fault("zero for a price", float)
def _zero(_: random.Random, value: float) -> float:
    _need(value != 0)
    return 0.0


@_fault("an integer for a float", float, fine=True)
def _int_for_float(_: random.Random, value: float) -> int:
    _need(math.isfinite(value) and value == int(value))
    return int(value)


@_fault("text for a float", float)
def _text_for_float(_: random.Random, value: float) -> str:
    return str(value)


@_fault("a Decimal for a float", float, fine=True)
def _decimal_for_float(_: random.Random, value: float) -> Decimal:
    return Decimal(repr(value))


@_fault("None for a number", float, int, Decimal)
def _none_for_number(_: random.Random, __: Any) -> None:
    return None


# --- integers and flags ---


@_fault("one more", int)
def _one_more(_: random.Random, value: int) -> int:
    return value + 1


@_fault("one less", int)
def _one_less(_: random.Random, value: int) -> int:
    return value - 1


@_fault("the sign of an integer", int)
def _int_sign(_: random.Random, value: int) -> int:
    _need(value)
    return -value


@_fault("a float for an integer", int, fine=True)
def _float_for_int(_: random.Random, value: int) -> float:
    _need(abs(value) < 2**1000)
    return float(value)


@_fault("text for an integer", int)
def _text_for_int(_: random.Random, value: int) -> str:
    return str(value)


@_fault("milliseconds for nanoseconds", int)
def _milliseconds(_: random.Random, value: int) -> int:
    _need(value > TIMES)
    return value // 1_000_000


@_fault("a time an hour off", int)
def _hour_off(rng: random.Random, value: int) -> int:
    _need(value > TIMES)
    return value + rng.choice([-1, 1]) * 3_600_000_000_000


@_fault("an integer in 32 bits", int)
def _wrapped(_: random.Random, value: int) -> int:
    _need(not -(2**31) <= value < 2**31)
    return (value + 2**31) % 2**32 - 2**31


@_fault("a flag for an integer", int)
def _flag_for_int(_: random.Random, value: int) -> bool:
    _need(value in (0, 1))
    return bool(value)


@_fault("a flag turned", bool)
def _turned(_: random.Random, value: bool) -> bool:  # noqa: FBT001
    return not value


@_fault("an integer for a flag", bool)
def _int_for_flag(_: random.Random, value: bool) -> int:  # noqa: FBT001
    return int(value)


# --- text and bytes ---


@_fault("sides swapped", str)
def _sides(_: random.Random, value: str) -> str:
    _need(value in SIDES)
    return SIDES[value]


@_fault("the case of a text", str)
def _case(_: random.Random, value: str) -> str:
    return value.swapcase()


@_fault("a blank more", str)
def _blank(_: random.Random, value: str) -> str:
    return value + " "


@_fault("empty text", str)
def _empty(_: random.Random, value: str) -> str:
    _need(value)
    return ""


@_fault("one letter", str)
def _letter(rng: random.Random, value: str) -> str:
    _need(value)
    at = rng.randrange(len(value))
    return value[:at] + ("x" if value[at] != "x" else "y") + value[at + 1 :]


@_fault("a letter that looks the same", str)
def _look_alike(_: random.Random, value: str) -> str:
    return value.replace(LATIN_A, CYRILLIC_A, 1)


@_fault("bytes for text", str)
def _bytes_for_text(_: random.Random, value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


@_fault("None for text", str)
def _none_for_text(_: random.Random, __: str) -> None:
    return None


@_fault("one byte", bytes)
def _byte(rng: random.Random, value: bytes) -> bytes:
    _need(value)
    at = rng.randrange(len(value))
    return value[:at] + bytes([value[at] ^ (1 << rng.randrange(8))]) + value[at + 1 :]


@_fault("a byte less", bytes)
def _byte_less(_: random.Random, value: bytes) -> bytes:
    return value[:-1]


@_fault("text for bytes", bytes)
def _text_for_bytes(_: random.Random, value: bytes) -> str:
    return value.decode("latin-1")


@_fault("zero for None", type(None))
def _zero_for_none(_: random.Random, __: None) -> int:
    return 0


@_fault("empty text for None", type(None))
def _empty_for_none(_: random.Random, __: None) -> str:
    return ""


# --- decimals, members, times ---


@_fault("the last digit of a Decimal", Decimal)
def _last_digit(rng: random.Random, value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    _need(isinstance(exponent, int))
    return value + rng.choice([-1, 1]) * Decimal((0, (1,), int(exponent)))


@_fault("the exponent of a Decimal", Decimal, fine=True)
def _exponent(_: random.Random, value: Decimal) -> Decimal:
    sign, digits, exponent = value.as_tuple()
    _need(isinstance(exponent, int))
    return Decimal((sign, (*digits, 0), int(exponent) - 1))


@_fault("the sign of a Decimal", Decimal)
def _decimal_sign(_: random.Random, value: Decimal) -> Decimal:
    _need(value.is_finite())
    return value.copy_negate()


@_fault("a float for a Decimal", Decimal, fine=True)
def _float_for_decimal(_: random.Random, value: Decimal) -> float:
    return float(value)


@_fault("another member", enum.Enum, exact=False)
def _member(rng: random.Random, value: enum.Enum) -> enum.Enum:
    others = [member for member in type(value) if member is not value]
    _need(others)
    return rng.choice(others)


@_fault("the value of a member", enum.Enum, exact=False)
def _value(_: random.Random, value: enum.Enum) -> Any:
    return value.value


@_fault("a naive time for an aware one", dt.datetime)
def _naive(_: random.Random, value: dt.datetime) -> dt.datetime:
    return value.replace(tzinfo=None)


@_fault("a microsecond", dt.datetime, fine=True)
def _microsecond(_: random.Random, value: dt.datetime) -> dt.datetime:
    return value + dt.timedelta(microseconds=1)


@_fault("a time in another zone", dt.datetime)
def _zone(_: random.Random, value: dt.datetime) -> dt.datetime:
    _need(value.tzinfo is not None)
    return value.replace(tzinfo=dt.timezone(dt.timedelta(hours=-5)))


@_fault("a day", dt.date, dt.datetime)
def _day(_: random.Random, value: dt.date) -> dt.date:
    return value + dt.timedelta(days=1)


@_fault("the text of a time", dt.date, dt.datetime)
def _isoformat(_: random.Random, value: dt.date) -> str:
    return value.isoformat()


# --- containers ---


@_fault("an item dropped", list)
def _dropped(rng: random.Random, value: list[Any]) -> list[Any]:
    _need(value)
    at = rng.randrange(len(value))
    return value[:at] + value[at + 1 :]


@_fault("an item twice", list)
def _twice(rng: random.Random, value: list[Any]) -> list[Any]:
    _need(value)
    at = rng.randrange(len(value))
    return [*value[: at + 1], *value[at:]]


@_fault("two neighbours swapped", list)
def _neighbours(rng: random.Random, value: list[Any]) -> list[Any]:
    _need(len(value) > 1)
    at = rng.randrange(len(value) - 1)
    return [*value[:at], value[at + 1], value[at], *value[at + 2 :]]


@_fault("a list turned round", list)
def _round(_: random.Random, value: list[Any]) -> list[Any]:
    return value[::-1]


@_fault("a tuple for a list", list)
def _tuple_for_list(_: random.Random, value: list[Any]) -> tuple[Any, ...]:
    return tuple(value)


@_fault("an empty list", list)
def _emptied(_: random.Random, value: list[Any]) -> list[Any]:
    _need(value)
    return []


@_fault("a list for a tuple", tuple)
def _list_for_tuple(_: random.Random, value: tuple[Any, ...]) -> list[Any]:
    return list(value)


@_fault("a tuple cut short", tuple)
def _short(_: random.Random, value: tuple[Any, ...]) -> tuple[Any, ...]:
    _need(value)
    return value[:-1]


@_fault("a field gone", dict)
def _gone(rng: random.Random, value: dict[Any, Any]) -> dict[Any, Any]:
    _need(value)
    lost = rng.choice(list(value))
    return {key: inner for key, inner in value.items() if key is not lost}


@_fault("a field more", dict)
def _more(_: random.Random, value: dict[Any, Any]) -> dict[Any, Any]:
    return {**value, "unheard of": 1}


@_fault("a field by another name", dict)
def _renamed(rng: random.Random, value: dict[Any, Any]) -> dict[Any, Any]:
    _need(value)
    old = rng.choice(list(value))
    return {(f"{key}_" if key is old else key): inner for key, inner in value.items()}


@_fault("two values swapped", dict)
def _swapped(rng: random.Random, value: dict[Any, Any]) -> dict[Any, Any]:
    _need(len(value) > 1)
    one, two = rng.sample(list(value), 2)
    return {**value, one: value[two], two: value[one]}


@_fault("a member gone", set, frozenset)
def _member_gone(rng: random.Random, value: set[Any]) -> set[Any]:
    _need(value)
    return value - {rng.choice(sorted(value, key=repr))}


@_fault("a member more", set, frozenset)
def _member_more(_: random.Random, value: set[Any]) -> set[Any]:
    return value | {"unheard of"}


@_fault("a list for a set", set, frozenset)
def _list_for_set(_: random.Random, value: set[Any]) -> list[Any]:
    return sorted(value, key=repr)


@_fault("two fields of a record swapped")
def _fields(rng: random.Random, value: Any) -> Any:
    names = names_of(value)
    pairs = [
        (one, two)
        for at, one in enumerate(names)
        for two in names[at + 1 :]
        if type(getattr(value, one)) is type(getattr(value, two)) and getattr(value, one) != getattr(value, two)
    ]
    _need(pairs)
    one, two = rng.choice(pairs)
    return _with(value, {one: getattr(value, two), two: getattr(value, one)})


@_fault("a dict for a record")
def _dict_for_record(_: random.Random, value: Any) -> dict[str, Any]:
    names = names_of(value)
    _need(names)
    return {name: getattr(value, name) for name in names}


@_fault("a record of another class", fine=True)
def _another_class(_: random.Random, value: Any) -> SimpleNamespace:
    names = names_of(value)
    _need(names)
    return SimpleNamespace(**{name: getattr(value, name) for name in names})


def _with(value: Any, changed: dict[str, Any]) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        made = object.__new__(type(value))
        for name in names_of(value):
            object.__setattr__(made, name, changed.get(name, getattr(value, name)))
        return made
    return value._replace(**changed)


@_fault("None for a whole value", list, dict, tuple)
def _none_for_all(_: random.Random, __: Any) -> None:
    return None


# --- arrays and tables ---


def _array(value: Any) -> Any:
    numpy = sys.modules.get("numpy")
    _need(numpy is not None and type(value) is numpy.ndarray and value.size and value.dtype.kind == "f")
    return value


@_fault("one cell of an array")
def _cell(rng: random.Random, value: Any) -> Any:
    made = _array(value).copy()
    made.flat[rng.randrange(made.size)] += 1
    return made


@_fault("the last bit of a cell", fine=True)
def _cell_bit(rng: random.Random, value: Any) -> Any:
    made = _array(value).copy()
    at = rng.randrange(made.size)
    made.flat[at] = sys.modules["numpy"].nextafter(made.flat[at], math.inf)
    return made


@_fault("NaN in an array")
def _cell_nan(rng: random.Random, value: Any) -> Any:
    made = _array(value).copy()
    made.flat[rng.randrange(made.size)] = math.nan
    return made


@_fault("two cells swapped")
def _cells(rng: random.Random, value: Any) -> Any:
    made = _array(value).copy()
    _need(made.size > 1)
    at = rng.randrange(made.size - 1)
    made.flat[at], made.flat[at + 1] = made.flat[at + 1], made.flat[at]
    return made


@_fault("an array in 32 bits", fine=True)
def _array_single(_: random.Random, value: Any) -> Any:
    _need(_array(value).dtype.itemsize == 8)
    return value.astype("f4")


@_fault("an array of another shape")
def _shape(_: random.Random, value: Any) -> Any:
    return _array(value).reshape(-1, 1)


@_fault("a cell of an array less")
def _cell_less(_: random.Random, value: Any) -> Any:
    return _array(value).ravel()[:-1]


@_fault("a list for an array")
def _list_for_array(_: random.Random, value: Any) -> list[Any]:
    made: list[Any] = _array(value).tolist()
    return made


def _table(value: Any) -> Any:
    arrow = sys.modules.get("pyarrow")
    _need(arrow is not None and isinstance(value, arrow.Table) and value.num_rows and value.num_columns)
    return value


@_fault("a column gone")
def _column_gone(rng: random.Random, value: Any) -> Any:
    return _table(value).drop_columns([rng.choice(value.column_names)])


@_fault("columns in another order")
def _column_order(_: random.Random, value: Any) -> Any:
    _need(_table(value).num_columns > 1)
    return value.select(value.column_names[::-1])


@_fault("a column by another name")
def _column_renamed(_: random.Random, value: Any) -> Any:
    return _table(value).rename_columns([f"{value.column_names[0]}_", *value.column_names[1:]])


@_fault("a row gone")
def _row_gone(rng: random.Random, value: Any) -> Any:
    at = rng.randrange(_table(value).num_rows)
    return sys.modules["pyarrow"].concat_tables([value.slice(0, at), value.slice(at + 1)])


@_fault("rows in another order")
def _row_order(_: random.Random, value: Any) -> Any:
    _need(_table(value).num_rows > 1)
    return value.take(list(range(value.num_rows))[::-1])


@_fault("a null in a table")
def _null(rng: random.Random, value: Any) -> Any:
    column = rng.randrange(_table(value).num_columns)
    cells = value.column(column).to_pylist()
    at = rng.randrange(len(cells))
    _need(cells[at] is not None)
    cells[at] = None
    arrow, field = sys.modules["pyarrow"], value.schema.field(column)
    made = arrow.chunked_array([arrow.array(cells, field.type)])
    return value.set_column(column, arrow.field(field.name, field.type), made)
