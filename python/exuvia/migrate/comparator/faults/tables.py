"""Faults of arrays and tables."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from exuvia.migrate.comparator.faults.fault import fault, need

if TYPE_CHECKING:
    import random

__all__: list[str] = []

FAR = 1_000
FARTHEST = {2: 5_000, 4: 1e37, 8: 1e300, 16: 1e300}
"""By bytes of a cell: ten times as much can still be written."""


def _array(value: Any) -> Any:
    numpy = sys.modules.get("numpy")
    need(numpy is not None and type(value) is numpy.ndarray and value.size and value.dtype.kind == "f")
    return value


@fault("one cell of an array", amount=True)
def _cell(rng: random.Random, value: Any) -> Any:
    made = _array(value).copy()
    made.flat[rng.randrange(made.size)] += 1
    return made


@fault("a cell far off")
def _cell_far_off(rng: random.Random, value: Any) -> Any:
    """Beyond every tolerance that leaves anything of a cell."""
    made = _array(value).copy()
    at = rng.randrange(made.size)
    need(abs(made.flat[at]) < FARTHEST[made.dtype.itemsize])
    made.flat[at] += rng.choice([-1, 1]) * (10 * abs(made.flat[at]) + FAR)
    return made


@fault("the last bit of a cell", fine=True)
def _cell_bit(rng: random.Random, value: Any) -> Any:
    made = _array(value).copy()
    at = rng.randrange(made.size)
    made.flat[at] = sys.modules["numpy"].nextafter(made.flat[at], math.inf)
    return made


@fault("NaN in an array")
def _cell_nan(rng: random.Random, value: Any) -> Any:
    made = _array(value).copy()
    made.flat[rng.randrange(made.size)] = math.nan
    return made


@fault("infinity in an array")
def _cell_infinite(rng: random.Random, value: Any) -> Any:
    made = _array(value).copy()
    at = rng.randrange(made.size)
    need(not math.isinf(made.flat[at]))
    made.flat[at] = rng.choice([math.inf, -math.inf])
    return made


@fault("two cells swapped", amount=True)
def _cells(rng: random.Random, value: Any) -> Any:
    made = _array(value).copy()
    need(made.size > 1)
    at = rng.randrange(made.size - 1)
    made.flat[at], made.flat[at + 1] = made.flat[at + 1], made.flat[at]
    return made


@fault("an array in 32 bits", fine=True)
def _array_single(_: random.Random, value: Any) -> Any:
    need(_array(value).dtype.itemsize == 8)
    return value.astype("f4")


@fault("an array of another shape")
def _shape(_: random.Random, value: Any) -> Any:
    return _array(value).reshape(-1, 1)


@fault("a cell of an array less")
def _cell_less(_: random.Random, value: Any) -> Any:
    return _array(value).ravel()[:-1]


@fault("a list for an array")
def _list_for_array(_: random.Random, value: Any) -> list[Any]:
    made: list[Any] = _array(value).tolist()
    return made


def _table(value: Any) -> Any:
    arrow = sys.modules.get("pyarrow")
    need(arrow is not None and isinstance(value, arrow.Table) and value.num_rows and value.num_columns)
    return value


@fault("a column gone")
def _column_gone(rng: random.Random, value: Any) -> Any:
    return _table(value).drop_columns([rng.choice(value.column_names)])


@fault("columns in another order")
def _column_order(_: random.Random, value: Any) -> Any:
    need(_table(value).num_columns > 1)
    return value.select(value.column_names[::-1])


@fault("a column by another name")
def _column_renamed(_: random.Random, value: Any) -> Any:
    return _table(value).rename_columns([f"{value.column_names[0]}_", *value.column_names[1:]])


@fault("a row gone")
def _row_gone(rng: random.Random, value: Any) -> Any:
    at = rng.randrange(_table(value).num_rows)
    return sys.modules["pyarrow"].concat_tables([value.slice(0, at), value.slice(at + 1)])


@fault("rows in another order")
def _row_order(_: random.Random, value: Any) -> Any:
    need(_table(value).num_rows > 1)
    return value.take(list(range(value.num_rows))[::-1])


@fault("a null in a table")
def _null(rng: random.Random, value: Any) -> Any:
    column = rng.randrange(_table(value).num_columns)
    cells = value.column(column).to_pylist()
    at = rng.randrange(len(cells))
    need(cells[at] is not None)
    cells[at] = None
    arrow, field = sys.modules["pyarrow"], value.schema.field(column)
    made = arrow.chunked_array([arrow.array(cells, field.type)])
    return value.set_column(column, arrow.field(field.name, field.type), made)
