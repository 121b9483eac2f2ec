"""What people read: the table, the report and its plots, with no data, with too much, and with odd figures."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from exuvia.errors import MigrateError
from exuvia.migrate import load
from exuvia.migrate.face import report, table, whole
from exuvia.migrate.gates.verdict import UnitStatus

if TYPE_CHECKING:
    from pathlib import Path


def failing() -> UnitStatus:
    found = UnitStatus("bot:price", mode="shadow")
    found.counts.update(
        legacy_calls=123_456_789, compared=2_500_000, differed=7, cascades=1_234, legacy_ns=10**9, candidate_ns=10**8
    )
    found.places.update({(f"$.p{n}", "value"): 9 - n for n in range(8)})
    found.reasons["arguments cannot be copied"] = 1_200
    found.ignored["$.host", "ignore(ana, host name)"] = 3_000
    found.examples = [
        {"place": "$.p0", "difference": "value", "path": "$.p0", "legacy": "'" + "x" * 90, "candidate": "'y'"}
    ]
    return found


def shown(*states: UnitStatus) -> str:
    out = io.StringIO()
    table.render(list(states), out=out)
    return out.getvalue()


def config(folder: Path) -> Path:
    path = folder / "exuvia.toml"
    path.write_text('[exuvia]\ncalendar = "FX24x5"\n')
    path.chmod(0o600)
    return path


def page(folder: Path, *states: UnitStatus, runs: object = None) -> str:
    figures = None
    if runs is not None:
        (folder / "runs.json").write_text(json.dumps(runs))
        figures = whole.read_runs(folder / "runs.json")
    return report.page("Title", load(config(folder)), list(states), [], figures)[0]


def test_the_table_says_how_many_places_it_leaves_out_what_was_ignored_and_what_was_not_compared() -> None:
    text = shown(failing())
    assert f"$.p0 value ×9: legacy '{'x' * 59}…, candidate 'y'" in " ".join(text.split())
    assert "$.p4  value ×5" in text
    assert "$.p5" not in text
    assert "… and 3 further places" in text
    assert "not compared ×1,200: arguments cannot be copied" in text
    assert "ignored ×3,000: $.host by ignore(ana, host name)" in text
    assert "overall: FAIL" in text


def test_large_counts_are_shown_in_millions_where_they_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    few = UnitStatus("bot:size", mode="shadow")
    few.counts.update(legacy_calls=123_456, compared=9_999)
    _, first, second, *_ = (line.split() for line in shown(failing(), few).splitlines())
    assert first[:5] == ["bot:price", "shadow", "123.5M", "0", "2.5M"]
    assert second[:5] == ["bot:size", "shadow", "123k", "0", "9,999"]


def test_the_report_names_cascades_ignored_places_and_samples_that_were_lost(tmp_path: Path) -> None:
    text = page(tmp_path, failing())
    assert "<code>bot:price</code>: 1,234 later differences of objects that had differed before (cascade)" in text
    assert "ignored 3,000× at <code>$.host</code> by ignore(ana, host name)" in text
    assert "not compared 1,200×: arguments cannot be copied" in text
    assert text.index("Differences by path") < text.index("<h2>Units</h2>")


def test_a_report_without_data_says_so_and_draws_nothing(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert "0 units, 0 processes observed" in text
    assert "Nothing was compared." in text
    assert '<span class="badge INCONCLUSIVE">' in text
    assert "<svg" not in text
    one = page(tmp_path, UnitStatus("bot:price"), runs={"runs": [], "notes": ["none was run"]})
    assert "<li>none was run</li>" in one
    assert "<svg" not in one


def test_a_figure_that_only_one_run_has_is_a_dash_at_the_others_and_figures_by_name_are_listed(tmp_path: Path) -> None:
    runs = [
        {"name": "legacy", "wall_s": 60, "trades": 1_500, "by": {"<b>": 1, "sell": 2}, "peak_mb": 1_024.4},
        {"name": "rust", "wall_s": 50.5, "start_s": 0.25, "peak_mb": 99},
    ]
    text = page(tmp_path, runs={"runs": runs})
    rows = dict(re.findall(r"<tr><td>(\w+)</td>(.*?)</tr>", text))
    cells = {key: re.findall(r'<td class="n">(.*?)</td>', row) for key, row in rows.items()}
    assert cells["trades"] == ["<code>1,500</code>", "–"]
    assert cells["by"] == ["&lt;b&gt; 1<br>sell 2", "–"]
    assert cells["start"] == ["–", "0.25 s"]
    assert cells["peak"] == ["1,024 MB", "99 MB"]
    assert cells["wall"] == ["60.00 s", "50.50 s"]


@pytest.mark.parametrize("text", ["[]", "3", '{"runs": [{"wall_s": 1}]}', '{"runs": [{"name": "a", "wall_s": "x"}]}'])
def test_figures_of_another_shape_are_refused_with_an_example(tmp_path: Path, text: str) -> None:
    path = tmp_path / "runs.json"
    path.write_text(text)
    with pytest.raises(MigrateError, match=r'not figures of runs .*; write \{"runs": \[\{"name"'):
        whole.read_runs(path)
