"""The report site: text stays text, pages stand alone, size and bytes are bounded."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from page_outline import Outline

from conf.settings import DriftThresholds
from monitoring.measures import ColumnDrift, Distribution, DriftMeasures
from monitoring.site import (
    Link,
    NightPage,
    NightRow,
    SliceQuality,
    StepTiming,
    TableCount,
    write_index,
    write_night_page,
)

HOSTILE = "<script>alert('x')</script>\"'"
DAY = date(2026, 3, 1)


def hostile_page() -> NightPage:
    bars = Distribution((HOSTILE, "b"), (0.4, 0.6), (0.5, 0.5))
    column = ColumnDrift(HOSTILE, "categorical", 0.3, 0.2, True, 0.0, 0.0, 0.1, HOSTILE, bars)
    return NightPage(
        day=DAY,
        verdict="watch",
        cause="shift",
        reasons=(HOSTILE,),
        title=HOSTILE,
        champion=HOSTILE,
        quality=(SliceQuality(HOSTILE, 1200, 0.03, 0.9, 1.02, "provisional", ne_promised=0.9, model=HOSTILE),),
        drift=DriftMeasures((column,), None, 0.03, 0.03, 100, 100),
        tables=(TableCount(HOSTILE, 5, HOSTILE),),
        timings=(StepTiming(HOSTILE, 1.5), StepTiming("score", 2.0)),
        evidently_page="drift.html",
        links=(Link(HOSTILE, "../card.html"),),
    )


def rows(count: int) -> list[NightRow]:
    return [
        NightRow(
            day=DAY + timedelta(days=index),
            verdict="ok",
            cause="none",
            drifted_columns=("a", "b", "c", "d"),
            drift_share=index % 10 / 20,
            ne_provisional=0.9,
            ne_final=None if index == count - 1 else 0.88,
            ne_promised=0.88,
            calibration_provisional=1.02,
            calibration_final=None if index == count - 1 else 1.0,
            ctr=0.03,
            ctr_reference=0.03,
            champion=f"xgboost {index // 7}",
            trained=index % 7 == 0,
            promoted=index % 14 == 0,
        )
        for index in range(count)
    ]


def test_hostile_text_is_shown_as_text_on_a_night_page(tmp_path: Path) -> None:
    page = Outline(write_night_page(tmp_path, hostile_page()).read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert page.text.count(HOSTILE) >= 8


def test_hostile_text_is_shown_as_text_on_the_index(tmp_path: Path) -> None:
    row = NightRow(DAY, "ok", "none", (HOSTILE,), (HOSTILE,), 0.1, 0.9, champion=HOSTILE)
    page = Outline(write_index(tmp_path, [row], HOSTILE).read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert page.text.count(HOSTILE) >= 4


def test_pages_link_to_files_of_the_site_alone(tmp_path: Path) -> None:
    night = Outline(write_night_page(tmp_path, hostile_page()).read_text(encoding="utf-8"))
    index = Outline(write_index(tmp_path, rows(3)).read_text(encoding="utf-8"))
    outside = [href for href in (*night.addresses, *index.addresses) if ":" in href and href != "data:,"]
    assert outside == []
    assert {"../index.html", "drift.html", "../card.html"} <= set(night.addresses)


@pytest.mark.parametrize("href", ["https://example.org", "//example.org", "javascript:alert(1)", "/etc/passwd", ""])
def test_an_address_that_leaves_the_site_is_refused(href: str) -> None:
    with pytest.raises(ValueError, match="relative path"):
        Link("x", href)


def test_evidentlys_address_keeps_to_the_site_too() -> None:
    with pytest.raises(ValueError, match="relative path"):
        NightPage(DAY, "ok", "none", (), evidently_page="javascript:alert(1)")


def test_the_index_links_to_the_page_of_each_night_that_has_one(tmp_path: Path) -> None:
    kept = NightRow(DAY, "ok", "none")
    removed = NightRow(DAY - timedelta(days=1), "ok", "none", has_page=False)
    page = Outline(write_index(tmp_path, [kept, removed]).read_text(encoding="utf-8"))
    assert page.addresses.count("2026-03-01/index.html") == 2
    assert "2026-02-28/index.html" not in page.addresses
    assert write_night_page(tmp_path, hostile_page()) == tmp_path / "2026-03-01" / "index.html"


def test_the_index_opens_with_the_verdict_of_the_latest_night_whatever_the_order(tmp_path: Path) -> None:
    blocked = NightRow(DAY, "blocked", "broken_input", ("Half of the feed is missing.",))
    page = write_index(tmp_path, [blocked, NightRow(DAY - timedelta(days=1), "ok", "none")]).read_text(encoding="utf-8")
    headline = re.search(r'class="headline">([^<]*)', page)
    assert headline and headline.group(1) == "The night is blocked: a person has to look"
    assert "Half of the feed is missing." in page and "broken input" in page


def test_a_site_without_nights_says_so(tmp_path: Path) -> None:
    assert "No night has been reported yet." in write_index(tmp_path, []).read_text(encoding="utf-8")


def test_a_year_of_nights_stays_below_two_megabytes(tmp_path: Path) -> None:
    file = write_index(tmp_path, rows(400), limits=DriftThresholds())
    page = Outline(file.read_text(encoding="utf-8"))
    assert file.stat().st_size < 2_000_000
    assert page.tags.count("tr") == 401
    assert page.tags.count("figure") == 4


def test_the_same_nights_give_the_same_bytes(tmp_path: Path) -> None:
    first = write_index(tmp_path / "a", rows(9)).read_bytes()
    assert first == write_index(tmp_path / "b", rows(9)[::-1]).read_bytes()
    night = write_night_page(tmp_path / "a", hostile_page()).read_bytes()
    assert night == write_night_page(tmp_path / "b", hostile_page()).read_bytes()


def test_every_table_has_a_caption_and_every_row_a_heading(tmp_path: Path) -> None:
    page = write_night_page(tmp_path, hostile_page()).read_text(encoding="utf-8")
    outline = Outline(page)
    assert outline.tags.count("caption") == outline.tags.count("table") == 4
    assert page.count('scope="row"') == outline.tags.count("tr") - outline.tags.count("thead")


def test_ne_and_calibration_are_shown_from_first_and_from_final_labels(tmp_path: Path) -> None:
    page = write_index(tmp_path, rows(3)).read_text(encoding="utf-8")
    assert page.count('<td class="number first">0.9000</td><td class="number">0.8800</td>') == 2
    assert page.count('<td class="number first">0.9000</td><td class="number">\N{EN DASH}</td>') == 1
    assert page.count('<td class="number first">1.020</td><td class="number">1.000</td>') == 2


def test_drift_is_a_band_over_its_nights_in_every_chart_and_in_its_words(tmp_path: Path) -> None:
    nights = rows(9)
    for place, (verdict, cause) in {3: ("watch", "decay"), 4: ("retrain", "decay"), 7: ("watch", "shift")}.items():
        nights[place] = replace(nights[place], verdict=verdict, cause=cause)
    nights[5] = replace(nights[5], verdict="wait", cause="cooldown")
    nights[8] = replace(nights[8], verdict="watch", cause="too_few_impressions")
    page = write_index(tmp_path, nights).read_text(encoding="utf-8")
    assert page.count('<rect class="spell"') == (2 + 1) * 4  # two bands and the key of each chart
    assert page.count("<title>2026-03-04 to 2026-03-06: drift or decay</title>") == 4
    assert page.count("<title>2026-03-08: drift or decay</title>") == 4
    assert "Marked: promoted (1), trained (1), spells of drift or decay (2)." in page


def test_unknown_figures_show_a_dash_rather_than_nan(tmp_path: Path) -> None:
    row = NightRow(DAY, "ok", "none", ne_final=float("nan"), calibration_final=float("nan"), ctr=None)
    page = write_index(tmp_path, [row]).read_text(encoding="utf-8")
    assert "nan" not in page.lower().replace("nanosecond", "")


def test_a_page_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_index(tmp_path, rows(2))
    write_index(tmp_path, rows(3))
    assert [file.name for file in tmp_path.iterdir()] == ["index.html"]


def test_the_timings_tell_all_that_a_step_took_and_a_dash_where_an_older_record_does_not(tmp_path):
    measured = StepTiming("score", 2.0, 3.5, 812.4, 75_000, 74_321, 37_160.5, 2_097_152)
    timings = (measured, StepTiming("label", 1.0))
    page = NightPage(day=DAY, verdict="ok", cause="none", reasons=(), timings=timings)
    text = write_night_page(tmp_path, page).read_text()
    row = text[text.index(">score<") : text.index(">label<")]
    for figure in ("2.0", "3.5", "812", "75,000", "74,321", "2048"):
        assert f">{figure}<" in row
    assert text[text.index(">label<") :].count(">\N{EN DASH}<") == 6
