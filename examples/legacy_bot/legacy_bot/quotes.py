"""The quote book: infoprice payloads (snapshots and deltas) in, quotes out."""

import json
import math
from typing import Any

from .model import Quote, parse_ns


class QuoteError(ValueError):
    """A price payload is not JSON, or not a collection of infoprice objects."""


class QuoteBook:
    """Merges infoprice deltas into a snapshot for each Uic; elements that cannot be used are counted in `skipped`."""

    def __init__(self) -> None:
        self.skipped = 0
        self._rows: dict[int, dict[str, Any]] = {}
        self._quotes: dict[int, Quote] = {}

    def get(self, uic: int) -> Quote | None:
        """Return the last quote emitted for `uic`."""
        return self._quotes.get(uic)

    def apply(self, payload: bytes) -> list[Quote]:
        """Merge a payload (an array, an object with a `Data` array or one infoprice); QuoteError for another."""
        try:
            document = json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise QuoteError(f"price payload of {len(payload)} bytes is not JSON: {error}") from error
        if isinstance(document, dict):
            document = document.get("Data", [document])
        if not isinstance(document, list):
            raise QuoteError(f"price payload is a {type(document).__name__}, expected an array of infoprices")
        emitted: list[Quote] = []
        for element in document:
            try:
                emitted += self._update(element)
            except (TypeError, ValueError, OverflowError):
                self.skipped += 1
        return emitted

    def _update(self, element: object) -> list[Quote]:
        """Merge one infoprice and return its quote, none if it deletes; one that cannot be used raises."""
        uic = element.get("Uic") if isinstance(element, dict) else None
        if not isinstance(element, dict) or not isinstance(uic, int) or isinstance(uic, bool):
            raise TypeError("no Uic")
        if element.get("__meta_deleted") is True:
            self._rows.pop(uic, None)
            self._quotes.pop(uic, None)
            return []
        row = _merged(self._rows.get(uic, {}), element)
        prices = row["Quote"] if isinstance(row.get("Quote"), dict) else {}
        bid, ask = _price(prices.get("Bid")), _price(prices.get("Ask"))
        ts = parse_ns(row["LastUpdated"]) if "LastUpdated" in row else None
        if bid is not None and ask is not None and bid > ask:
            raise ValueError("crossed")
        self._rows[uic] = row
        if bid is None or ask is None or ts is None:
            raise ValueError("not whole yet")
        state = prices.get("MarketState")
        self._quotes[uic] = Quote(uic, ts, bid, ask, state if isinstance(state, str) else "Unknown")
        return [self._quotes[uic]]


def _merged(row: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    """Return `row` with the fields of `delta`: objects merge recursively, everything else is replaced."""
    merged = row | delta
    for key, value in delta.items():
        if isinstance(value, dict):
            old = row.get(key)
            merged[key] = _merged(old if isinstance(old, dict) else {}, value)
    return merged


def _price(value: object) -> float | None:
    """Return the price, None if it is no number; a number that is no price raises."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 < value < math.inf:
        raise ValueError(f"price {value}")
    return float(value)
