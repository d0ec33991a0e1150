"""Model cards: text stays text, the page stands alone, and says what has become of the version."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from page_outline import Outline

from monitoring.cards import CardChange, CardCheck, CardDay, CardPart, CardSlice, ModelCard, ModelRow, drawn_slices
from monitoring.model_charts import Reliable
from monitoring.pages import Link, NightRow
from monitoring.site import STATE_MARKS, STATE_TONES, STATES, rendered_card, write_card, write_index

HOSTILE = "<script>alert('x')</script>\"'"
DAY = date(2026, 3, 1)


def slice_of(name: str, impressions: int = 1000) -> CardSlice:
    return CardSlice(name, impressions, 30, 0.03, 0.9, (0.88, 0.92), 0.7, 1.02, (0.9, 1.15), 0.0123, (0.0031, 0.0187))


def card(**changed: object) -> ModelCard:
    plain = ModelCard(
        title=HOSTILE,
        version="3",
        model="mix",
        state="champion",
        told=HOSTILE,
        night=DAY,
        trigger=HOSTILE,
        parts=(CardPart("train", "2026-02-01", "2026-02-20", 20, 100_000), CardPart(HOSTILE, "x", "x", 1, 1)),
        facts={HOSTILE: HOSTILE},
        features={"Categories": ["site", HOSTILE], "Counts": []},
        crosses=[HOSTILE],
        slices=(slice_of("all"), slice_of(f"site={HOSTILE}"), slice_of("user_seen=never", 40)),
        reliability=(Reliable(0.02, 0.03, 0.02, 0.04, 500), Reliable(0.1, 0.1, 0.08, 0.12, 500)),
        gains={HOSTILE: 0.6, "ad_ctr": 0.4},
        weights={HOSTILE: -0.5, "site=games": 0.4},
        opponent=HOSTILE,
        checks=(CardCheck("NE is lower.", True), CardCheck(HOSTILE, False)),
        days=(CardDay(DAY, 0.91, 0.9), CardDay(DAY + timedelta(days=1), 0.92, None)),
        changes=(CardChange(DAY, datetime(2026, 3, 2, 9, 30, tzinfo=UTC), HOSTILE, HOSTILE, HOSTILE),),
        links=(Link("All nights", "../index.html"),),
    )
    return replace(plain, **changed)


def test_hostile_text_is_shown_as_text() -> None:
    page = Outline(rendered_card(card()))
    assert "script" not in page.tags
    assert page.text.count(HOSTILE) >= 14


def test_a_card_stands_alone_and_leads_to_files_of_the_site(tmp_path: Path) -> None:
    file = write_card(tmp_path, card())
    page = Outline(file.read_text(encoding="utf-8"))
    assert file == tmp_path / "models" / "3.html"
    assert set(page.addresses) == {"#content", "data:,", "../index.html"}
    assert not {"link[rel=stylesheet]", "img", "script", "iframe"} & set(page.tags)


def test_all_its_pictures_and_tables_are_there() -> None:
    page = Outline(rendered_card(card()))
    assert page.tags.count("figure") == 4
    assert page.tags.count("caption") == page.tags.count("table") == 3
    text = " ".join(page.text)
    for told in (
        "Reliability on the holdout",
        "NE by day",
        "Gain by feature",
        "Largest weights",
        "Cold start: how often the user",
    ):
        assert told in text
    assert "2026-03-02 09:30 UTC" in text


def test_a_model_without_trees_weights_or_days_says_what_is_missing() -> None:
    page = rendered_card(card(gains={}, weights={}, days=(), changes=(), reliability=()))
    assert Outline(page).tags.count("figure") == 0
    assert "It has not scored any day whose labels are known." in page


def test_the_gate_says_passed_only_where_every_check_held() -> None:
    assert ">Rejected</span>" in rendered_card(card())
    passed = rendered_card(card(checks=(CardCheck("NE is lower.", True),)))
    assert "<strong>Passed</strong>" in passed and "Rejected" not in passed


def test_unknown_figures_show_a_dash() -> None:
    unknown = CardSlice("site=new", 5, 0, None, None, None, None, None, None)
    page = rendered_card(card(slices=(slice_of("all"), unknown)))
    assert "None" not in page and "nan" not in page.lower().replace("nanosecond", "")


def test_slices_are_grouped_and_of_very_many_the_small_ones_are_left_out() -> None:
    many = tuple(slice_of(f"site={number}", number) for number in range(1, 2001))
    wide = card(slices=(slice_of("all"), slice_of("device=ios", 5000), *many))
    grouped = drawn_slices(wide)
    assert [name for name, _ in grouped] == ["all", "device", "site"]
    assert min(row.figures.impressions for row in grouped[2][1]) == 1922
    page = rendered_card(wide)
    assert "1921 small slices are left out" in page
    assert len(page.encode()) < 2_000_000


@pytest.mark.parametrize("state", list(STATES))
def test_every_state_has_a_mark_and_a_tone(state: str) -> None:
    assert STATES[state] in rendered_card(card(state=state))
    assert STATE_MARKS[state] and STATE_TONES[state]


def test_the_same_card_gives_the_same_bytes() -> None:
    assert rendered_card(card()) == rendered_card(card())


def test_the_index_lists_models_with_links_to_their_cards(tmp_path: Path) -> None:
    row = ModelRow("3", "mix", "waiting", HOSTILE, DAY, DAY, 0.9, 1.02, HOSTILE, has_card=True)
    night = NightRow(DAY, "ok", "none", rolled_back=True, ne_final=0.9)
    file = write_index(tmp_path, [night], models=[row, replace(row, version="2", has_card=False)])
    page = Outline(file.read_text(encoding="utf-8"))
    assert "models/3.html" in page.addresses and "models/2.html" not in page.addresses
    assert "script" not in page.tags
    assert "rolled back" in page.text
