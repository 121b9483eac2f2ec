"""The pieces of HTML that every section of the report is made of; every value is escaped here."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "badge",
    "bullets",
    "cell",
    "code",
    "heads",
    "legend",
    "name",
    "number",
    "say",
    "section",
    "table",
    "unit",
    "value",
]


def badge(verdict: str, why: str = "") -> str:
    """Return a verdict as a coloured word.

    >>> badge("PASS")
    '<span class="badge PASS">PASS</span>'

    Args:
        verdict: `PASS`, `FAIL` or `INCONCLUSIVE`.
        why: What is shown when the mouse rests on it.
    """
    title = f' title="{escape(why, quote=True)}"' if why else ""
    return f'<span class="badge {escape(verdict, quote=True)}"{title}>{escape(verdict)}</span>'


def bullets(items: Iterable[str]) -> str:
    """Return a list, or nothing if it is empty.

    Args:
        items: HTML of each item.
    """
    made = "".join(f"<li>{item}</li>" for item in items)
    return f"<ul>{made}</ul>" if made else ""


def cell(value: object, css: str = "") -> str:
    """Return a cell of plain text.

    Args:
        value: The text.
        css: A class.
    """
    return f"<td{f' class={css}' if css else ''}>{escape(str(value))}</td>"


def code(value: object) -> str:
    """Return a cell of code.

    Args:
        value: The text.
    """
    return f"<td><code>{escape(str(value))}</code></td>"


def name(text: object) -> str:
    """Return a unit's name, which may go on in the next line behind a dot or colon, where there is no room for it.

    >>> name("bot.bars:mean")
    '<code>bot.<wbr>bars:<wbr>mean</code>'

    Args:
        text: The name.
    """
    broken = re.sub("([.:])", r"\1<wbr>", escape(str(text)))
    return f"<code>{broken}</code>"


def unit(text: object) -> str:
    """Return a cell with a unit's name.

    Args:
        text: The name.
    """
    return f'<td class="unit">{name(text)}</td>'


def value(text: object) -> str:
    """Return a cell of a recorded value: it may be long, so it may break anywhere, where a name may not.

    Args:
        text: The value.
    """
    return f'<td><code class="value">{escape(str(text))}</code></td>'


def number(value: object) -> str:
    """Return a cell of a figure, set to the right.

    Args:
        value: An integer, which gets its commas, or text.
    """
    return cell(f"{value:,}" if isinstance(value, int) else value, "n")


def heads(*names: str) -> str:
    """Return the head of a table; a name that begins with `#` stands above figures.

    >>> heads("unit", "#calls")
    '<th>unit</th><th class=n>calls</th>'

    Args:
        names: The columns.
    """
    return "".join(
        f"<th class=n>{escape(name[1:])}</th>" if name.startswith("#") else f"<th>{escape(name)}</th>" for name in names
    )


def legend(*entries: tuple[str, str]) -> str:
    """Return what the colours of a plot mean.

    Args:
        entries: CSS class and text.
    """
    made = "".join(f'<span><i class="{css}"></i>{escape(text)}</span>' for css, text in entries)
    return f'<div class="legend">{made}</div>'


def section(title: str, body: str) -> str:
    """Return a section, or nothing if it has no body.

    Args:
        title: Its title.
        body: HTML.
    """
    return f"<section><h2>{escape(title)}</h2>{body}</section>" if body else ""


def table(head: str, rows: str) -> str:
    """Return a table that scrolls by itself on a narrow screen.

    Args:
        head: As `heads` made it.
        rows: HTML of the rows.
    """
    return f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'


def say(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun.

    >>> say(1, "unit"), say(2, "process", "processes")
    ('1 unit', '2 processes')

    Args:
        count: How many.
        one: The noun for one.
        many: The noun for more.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
