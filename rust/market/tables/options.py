"""Writes `rust/market/src/options/pricing/tables.rs`: the polynomials from which the normal distribution is made.

    python rust/market/tables/options.py        (needs mpmath)

`MILLS`: with w = a / (a + 5) in [0, 1), (a + 1) times Mills' ratio of a is a polynomial of degree 8 on each of 24
equal parts of w, interpolated in Chebyshev's nodes with 40 digits; the sum of what is cut off is below 2e-17.
`QUANTILE`: a first guess of the normal quantile, r - z for a lower tail of exp(-r*r/2), as one polynomial of
(r - 4) / (r + 4), good to 1e-5.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import mpmath as mp

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS, DEGREE, CENTRE = 24, 8, 5
QUANTILE_DEGREE, QUANTILE_CENTRE, FARTHEST = 10, 4, 39
TARGET = Path(__file__).resolve().parent.parent / "src" / "options" / "pricing" / "tables.rs"
mp.mp.dps = 40


def mills(a: mp.mpf) -> mp.mpf:
    """Upper tail over density at `a`; far out by Laplace's continued fraction."""
    if a < 25:
        return mp.sqrt(mp.pi / 2) * mp.erfc(a / mp.sqrt(2)) * mp.exp(a * a / 2)
    ratio = mp.mpf(0)
    for n in range(400, 0, -1):
        ratio = n / (a + ratio)
    return 1 / (a + ratio)


def scaled(w: mp.mpf) -> mp.mpf:
    """(a + 1) times Mills' ratio of a, by w = a / (a + 5)."""
    if w >= 1:
        return mp.mpf(1)
    a = CENTRE * w / (1 - w)
    return (a + 1) * mills(a)


def quantile_gap(v: mp.mpf, low: mp.mpf, high: mp.mpf) -> mp.mpf:
    """What r exceeds z by at v in [-1, 1], which runs over (r - 4) / (r + 4)."""
    y = (low * (1 - v) + high * (1 + v)) / 2
    r = QUANTILE_CENTRE * (1 + y) / (1 - y)
    z = mp.findroot(
        lambda z: mp.log(mp.erfc(z / mp.sqrt(2)) / 2) + r * r / 2,
        (max(mp.mpf(0), r - mp.mpf("1.2")), r),
        solver="illinois",
        verify=False,
    )
    return r - z


def powers(function: Callable[[mp.mpf], mp.mpf], degree: int, nodes: int = 40) -> list[mp.mpf]:
    """Coefficients by powers of v of the Chebyshev interpolant on [-1, 1], cut to `degree`."""
    angles = [mp.pi * (k + mp.mpf(1) / 2) / nodes for k in range(nodes)]
    values = [function(mp.cos(angle)) for angle in angles]
    pairs = list(zip(values, angles, strict=True))
    chebyshev = [2 * sum(value * mp.cos(j * angle) for value, angle in pairs) / nodes for j in range(degree + 1)]
    chebyshev[0] /= 2
    before, now = [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]
    total = [mp.mpf(0)] * (degree + 1)
    for coefficient in chebyshev:
        for power, value in enumerate(before):
            total[power] += coefficient * value
        following = [mp.mpf(0), *(2 * value for value in now)]
        for power, value in enumerate(before):
            following[power] -= value
        before, now = now, following
    return total


def main() -> None:
    """Writes the file."""
    lines = [
        "//! Written by `rust/market/tables/options.py`, which says what they are; not to be edited by hand.",
        "",
        "/// Mills' ratio: coefficients of each part of w, from the power 0 up.",
        f"pub const MILLS: [[f64; {DEGREE + 1}]; {PARTS}] = [",
    ]
    for part in range(PARTS):
        row = powers(lambda v, part=part: scaled((part + (v + 1) / 2) / mp.mpf(PARTS)), DEGREE, 24)
        lines.append("    [" + ", ".join(repr(float(value)) for value in row) + "],")
    low = (mp.sqrt(2 * mp.log(2)) - QUANTILE_CENTRE) / (mp.sqrt(2 * mp.log(2)) + QUANTILE_CENTRE)
    high = mp.mpf(FARTHEST - QUANTILE_CENTRE) / (FARTHEST + QUANTILE_CENTRE)
    row = powers(lambda v: quantile_gap(v, low, high), QUANTILE_DEGREE)
    lines += [
        "];",
        "",
        "/// The least and the greatest (r - 4) / (r + 4) of the quantile's guess.",
        f"pub const QUANTILE_ENDS: [f64; 2] = [{float(low)!r}, {float(high)!r}];",
        "",
        "/// The quantile's guess: coefficients from the power 0 up.",
        f"pub const QUANTILE: [f64; {QUANTILE_DEGREE + 1}] = [",
        "    " + ", ".join(repr(float(value)) for value in row) + ",",
        "];",
    ]
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
