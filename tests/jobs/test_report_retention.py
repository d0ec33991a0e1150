"""How long reports are kept: Evidently's large pages for fewer nights, all pages and rows of the index for more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from many_nights import write_nights
from page_outline import Outline

from jobs.maintain import remove_old_reports, thin_reports
from jobs.monitor import EVIDENTLY_PAGE
from jobs.report import index_page, write_site
from monitoring.site import night_folder


@pytest.fixture
def site(make_workspace):
    """A workspace with 12 nights and all their pages; Evidently's are kept for 3 nights, the others for 8."""
    workspace = make_workspace("click_log", monitoring={"keep_evidently_days": 3, "keep_reports_days": 8})
    nights = write_nights(workspace, 12)
    for night in nights:
        write_site(workspace, night)
    return workspace, nights


def page_of(workspace, night):
    return night_folder(workspace.reports, night) / "index.html"


def linked(workspace, file):
    """The addresses of a page that lead to files, and those of them that lead to none."""
    found = [address for address in Outline(file.read_text()).addresses if ":" not in address and address[0] != "#"]
    return found, [address for address in found if not (file.parent / address).is_file()]


def test_evidentlys_pages_go_first_and_no_link_to_them_stays(site):
    workspace, nights = site
    assert EVIDENTLY_PAGE in linked(workspace, page_of(workspace, nights[0]))[0]

    assert thin_reports(workspace) == 8

    kept = [night for night in nights if (night_folder(workspace.reports, night) / EVIDENTLY_PAGE).exists()]
    assert kept == nights[-4:]  # the latest one, and three before it
    for night in nights:
        found, dead = linked(workspace, page_of(workspace, night))
        assert dead == []
        assert (EVIDENTLY_PAGE in found) == (night in kept)
    assert thin_reports(workspace) == 0


def test_a_page_whose_evidently_page_has_gone_still_shows_what_was_measured(site):
    workspace, nights = site
    thin_reports(workspace)

    assert "place" in page_of(workspace, nights[0]).read_text()


def test_the_index_shows_the_nights_that_are_kept_and_leads_nowhere_else(site):
    workspace, nights = site
    remove_old_reports(workspace)
    write_site(workspace, nights[-1])

    found, dead = linked(workspace, index_page(workspace))

    assert dead == []
    shown = {address.partition("/")[0] for address in found if address.endswith("/index.html")}
    assert shown == {night.isoformat() for night in nights[-9:]}
    assert nights[2].isoformat() not in index_page(workspace).read_text()


def test_an_old_night_that_is_run_again_does_not_bring_older_ones_back(site):
    workspace, nights = site
    remove_old_reports(workspace)

    write_site(workspace, nights[5])

    text = index_page(workspace).read_text()
    assert nights[-1].isoformat() in text
    assert (nights[-1] - timedelta(days=9)).isoformat() not in text


def test_a_night_whose_pages_have_gone_is_listed_without_a_link(site):
    workspace, nights = site
    page_of(workspace, nights[-2]).unlink()
    write_site(workspace, nights[-1])

    found, dead = linked(workspace, index_page(workspace))

    assert dead == [] and f"{nights[-2]}/index.html" not in found
    assert nights[-2].isoformat() in index_page(workspace).read_text()
