from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from legacy_bot.model import Bar


def read_bars(path: Path) -> list[Bar]:
    """The bars of an archive file."""
    with path.open("rb") as file:
        table = pq.read_table(file)
    table = table.set_column(1, "ts", table["ts"].cast(pa.int64()))
    return [Bar(**row) for row in table.to_pylist()]
