"""The report as a page for people and as a document for programs."""

from __future__ import annotations

import json
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from lxml import html
from openpyxl.utils.cell import coordinate_to_tuple

from converters.examples.build import SUBMISSIONS
from service.config import Settings
from service.submission.receive import submit
from service.submission.report import as_summary, rule_infos
from service.submission.report_document import (
    UnreadableFile,
    document_as_json,
    document_schema,
    report_document,
)
from service.submission.report_html import SHOWN_MESSAGES, as_html
from service.validation.waiver import read_waivers

SCHEMA = Path(__file__).parents[3] / "docs" / "validation-report.schema.json"
VOID = {"meta", "link", "br", "hr", "img"}
HEAD = "STRUCTURE,STRUCTURE_ID,ACTION,REF_AREA,FREQ,MEASURE,SEX,COUNTERPART_AREA,SOURCE,TIME_PERIOD,OBS_VALUE,UNIT_MEASURE,UNIT_MULT\n"
ROW = "dataflow,ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0),M,IDN,A,MNA_OEMP,SEX_T,{area},FB_6665,2023,1,PS,3\n"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return Settings(temporary_folder=tmp_path_factory.mktemp("spool"))


@pytest.fixture(scope="module")
def results(structures, settings):
    """The workbook of the Lao PDR as it is, and that of Cambodia with its errors allowed."""
    waivers = read_waivers(SUBMISSIONS / "KHM.waivers.toml", rule_infos())
    return [
        submit(SUBMISSIONS / "LAO.xlsx", structures, settings=settings),
        submit(SUBMISSIONS / "KHM.xlsx", structures, waivers=waivers, settings=settings),
    ]


@pytest.fixture(scope="module")
def document(results):
    unreadable = [UnreadableFile(source_name="photo.png", message="the file is nothing known")]
    return report_document(results, unreadable)


@pytest.fixture(scope="module")
def page(document, structures):
    return as_html(document, structures)


class Wellformed(HTMLParser):
    """Fails on a tag that does not close, and on anything that a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        assert not {"src", "srcset", "data"} & {name for name, _ in attrs}
        assert tag not in ("link", "script", "iframe", "object")
        assert dict(attrs).get("href", "#").startswith("#")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def text_of(tree) -> str:
    return " ".join(" ".join(tree.itertext()).split())


def test_the_page_is_well_formed_and_fetches_nothing(page) -> None:
    parser = Wellformed()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    assert "url(" not in page
    assert "http:" not in page
    assert page.startswith("<!doctype html>")


def test_the_page_has_every_finding_with_its_place_and_how_to_mend_it(page, results) -> None:
    said = text_of(html.fromstring(page))
    for result in results:
        for finding in result.all_findings:
            sheet, _, cell = finding.locator.removeprefix("cell:").rpartition("!")
            assert f"sheet {sheet}, cell {cell}" in said
            assert " ".join(finding.message.split()) in said
            assert rule_infos()[finding.rule].mend in said


def test_the_page_groups_findings_by_rule_and_by_sheet(page, results) -> None:
    tree = html.fromstring(page)
    (by_sheet,) = [
        table
        for table in tree.get_element_by_id("file-1").iter("table")
        if table.findtext("caption") == "Findings by sheet"
    ]
    rows = {
        row.findtext("th"): text_of(row.find("td"))
        for row in by_sheet.iter("tr")
        if row.find("td") is not None
    }
    cells = defaultdict(list)
    for finding in results[0].all_findings:
        sheet, _, cell = finding.locator.removeprefix("cell:").rpartition("!")
        cells[sheet].append(cell)
    assert {sheet: len(found) for sheet, found in cells.items()} == {"T15": 3, "T16": 4}
    assert rows == {
        f"{sheet} ({len(found)})": " , ".join(sorted(found, key=coordinate_to_tuple))
        for sheet, found in cells.items()
    }
    titles = [text_of(title) for title in tree.get_element_by_id("file-1-1").iter("h4")]
    assert titles == [
        "error The parts do not add up to their total partition-sum · 2 places",
        "warning The source, or another dimension of the whole table, is given as not stated not-stated · 1 place",
    ]


def test_the_page_says_what_was_accepted_and_what_not(page) -> None:
    tree = html.fromstring(page)
    states = [
        (text_of(row.find("th")).split()[0], text_of(row.find("td")))
        for id in ("file-1", "file-2")
        for table in tree.get_element_by_id(id).iter("table")
        if table.findtext("caption") == "Tables"
        for row in table.find("tbody").iter("tr")
    ]
    assert states == [
        ("T15", "rejected"),
        ("T16", "accepted"),
        ("T13", "accepted"),
        ("T15", "accepted"),
        ("T16", "accepted"),
    ]
    assert "photo.png rejected the file is nothing known" in text_of(tree)


def test_the_page_lists_allowed_errors_with_reason_and_author(page) -> None:
    tree = html.fromstring(page)
    (allowed,) = [
        table
        for table in tree.iter("table")
        if table.findtext("caption") == "Errors that are allowed"
    ]
    rows = [text_of(row) for row in allowed.find("tbody").iter("tr")]
    assert len(rows) == 2
    assert all("(ILMS Exchange, example submissions)" in row for row in rows)
    assert any("72.728" in row and "part-exceeds-total" in row for row in rows)


def test_codes_are_told_by_their_names(page) -> None:
    said = text_of(html.fromstring(page))
    assert "Total · Korea, Republic of · Source not stated · 2023" in said


def test_what_a_file_holds_cannot_become_part_of_the_page(structures, settings) -> None:
    area = "<script>alert(1)</script>\x01\x1b[31m"
    source = (HEAD + ROW.format(area=area)).encode()
    result = submit(source, structures, name="<b>x</b>.csv", settings=settings)
    page = as_html(report_document([result]), structures)
    assert "<script" not in page
    assert "<b>x" not in page
    assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in page)
    assert "<script>alert(1)" in text_of(html.fromstring(page))


def test_a_page_of_very_many_findings_says_what_it_leaves_out(structures, settings) -> None:
    count = SHOWN_MESSAGES + 7
    source = (HEAD + "".join(ROW.format(area=f"Q{n}") for n in range(count))).encode()
    result = submit(source, structures, name="x.csv", settings=settings)
    page = as_html(report_document([result]), structures)
    assert "… and 7 more, which the JSON report lists." in page
    assert (
        len(
            json.loads(document_as_json(report_document([result])))["submissions"][0]["tables"][0][
                "findings"
            ]
        )
        >= count
    )


def test_the_document_follows_its_schema(document) -> None:
    written = json.loads(document_as_json(document))
    assert (written["format"], written["version"]) == ("ilms-validation-report", "1.0")
    jsonschema.Draft202012Validator.check_schema(document_schema())
    jsonschema.Draft202012Validator(document_schema()).validate(written)
    assert written["state"] == "partly-accepted"
    assert written["counts"] == {"error": 4, "warning": 8}
    assert set(written["rules"]) == {
        "partition-sum",
        "part-exceeds-total",
        "not-stated",
        "unknown-equals-subtotal",
    }
    allowed = [
        finding["waiver"]
        for table in written["submissions"][1]["tables"]
        for finding in table["findings"]
        if "waiver" in finding
    ]
    assert len(allowed) == 2


def test_the_schema_is_the_published_one(request) -> None:
    text = json.dumps(document_schema(), indent=2) + "\n"
    if request.config.getoption("--update-examples"):
        SCHEMA.write_text(text, encoding="utf-8")
    assert SCHEMA.read_text(encoding="utf-8") == text


def test_the_summary_has_a_line_a_table(results) -> None:
    assert as_summary(results[0]) == (
        "LAO.xlsx: partly accepted, 1 of 2 tables (199 observations)\n"
        "    T15  Outflow of nationals for employment by sex and country of destination: "
        "rejected, 107 observations, 2 errors, 1 warning\n"
        "    T16  Outflow of nationals for employment by economic activity (ISIC, Rev.4): "
        "accepted, 92 observations, 4 warnings\n"
    )
