"""The start page: what is there, and examples that work as they are shown."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import html
import io
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import lxml.html
import pytest
from flask.testing import FlaskClient

from dsd.batch import batches_from_rows
from dsd.dataset import Dataset
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.formats import DATA_FORMATS, STRUCTURE_FORMATS
from service.store import open_store
from service.store.protocol import Store, SubmissionRecord
from service.web.wording import load_texts

FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(store_folder=tmp_path / "store", temporary_folder=tmp_path / "temporary")


@pytest.fixture
def store(settings: Settings):
    opened = open_store(settings)
    yield opened
    opened.close()


@pytest.fixture
def client(settings: Settings, structures: Structures, store: Store) -> FlaskClient:
    return create_app(settings, structures, store).test_client()


@pytest.fixture
def stored(examples: Path, structures: Structures, store: Store) -> list[dict[str, str]]:
    path = examples / "rest" / "thread" / "observations.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    dsd = structures.dsd(FLOW)
    store.write([Dataset(dsd, batches_from_rows(dsd, rows))], SubmissionRecord("first"))
    return rows


DASH = "\N{EN DASH}"


class Page(HTMLParser):
    """The parts of a page that matter here; fails on tags that do not close."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.open: list[str] = []
        self.headings: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs) -> None:
        self.links += [value for name, value in attrs if name in ("href", "src")]
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        if {"h1", "h2", "h3"} & set(self.open):
            self.headings[-1] += data


def test_it_lists_every_table_under_its_module(client, structures) -> None:
    page = Page(client.get("/").text)
    numbers = [row[0] for row in page.rows if row[0].isdigit()]
    assert numbers == [str(number) for number in range(1, 20)]
    assert [h for h in page.headings if h.startswith("Module")] == [
        "Module A. International migrant stock",
        "Module B. International migrant flow",
        "Module C. Nationals abroad",
    ]


def test_it_tells_what_a_table_holds(client, stored) -> None:
    page = Page(client.get("/").text)
    (row,) = (row for row in page.rows if row[0] == "15")
    assert row[2:5] == [str(len(stored)), "2", f"2020{DASH}2024"]
    (other,) = (row for row in page.rows if row[0] == "14")
    assert other[2] == "no data yet"


def test_it_tells_of_new_data_at_once(client, stored, store, structures) -> None:
    client.get("/")
    dsd = structures.dsd(FLOW)
    more = [{**stored[0], "REF_AREA": "THA", "TIME_PERIOD": "2010"}]
    store.write([Dataset(dsd, batches_from_rows(dsd, more))], SubmissionRecord("second"))
    (row,) = (row for row in Page(client.get("/").text).rows if row[0] == "15")
    assert row[2:5] == [str(len(stored) + 1), "3", f"2010{DASH}2024"]


def test_every_link_leads_somewhere(client, stored) -> None:
    links = Page(client.get("/").text).links
    assert len(links) >= 26
    for link in links:
        if not link.startswith(("#", "data:")):
            response = client.get(html.unescape(link))
            assert response.status_code == 200, link
            response.close()


def test_every_command_works_as_it_is_shown(client, stored) -> None:
    text = html.unescape(client.get("/").text)
    commands = re.findall(r"curl -g (?:-H '(.*?): (.*?)' )?'(http.*?)'", text)
    assert len(commands) == 5
    for name, value, url in commands:
        parts = urlsplit(url)
        response = client.get(f"{parts.path}?{parts.query}", headers={name: value} if name else {})
        assert response.status_code == 200, url
        response.close()


def test_the_url_for_pandas_is_csv(client, stored) -> None:
    (url,) = re.findall(r'read_csv\("(.*?)"\)', html.unescape(client.get("/").text))
    parts = urlsplit(url)
    text = client.get(f"{parts.path}?{parts.query}").text
    assert {row["REF_AREA"] for row in csv.DictReader(io.StringIO(text))} == {"IDN"}


def test_it_shows_the_address_under_which_clients_reach_it(
    client, settings, structures, store
) -> None:
    assert (
        "http://data.example.org/sdmx/v2"
        in client.get("/", headers={"Host": "data.example.org"}).text
    )
    public = replace(settings, public_url="https://ilms.example.org/")
    page = create_app(public, structures, store).test_client().get("/").text
    assert "https://ilms.example.org/sdmx/v2" in page


def test_it_needs_nothing_else_and_is_small(client, stored) -> None:
    response = client.get("/")
    page = Page(response.text)
    assert all(link.startswith(("/sdmx/", "/docs", "#", "data:")) for link in page.links)
    assert "<script" not in response.text
    assert "url(" not in response.text
    assert len(response.data) < 60_000
    packed = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == response.data
    assert len(packed.data) < 10_000


def test_nothing_but_its_own_style_is_let_in(client) -> None:
    response = client.get("/")
    (style,) = re.findall(r"<style>(.*?)</style>", response.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert f"style-src 'sha256-{digest}'" in policy
    assert not re.search(r"\sstyle=|\son[a-z]+=", response.text)


def test_a_page_that_has_not_changed_is_not_sent_again(client, stored, store, structures) -> None:
    tag = client.get("/").headers["ETag"]
    again = client.get("/", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    dsd = structures.dsd(FLOW)
    more = [{**stored[0], "REF_AREA": "THA", "TIME_PERIOD": "2010"}]
    store.write([Dataset(dsd, batches_from_rows(dsd, more))], SubmissionRecord("second"))
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 200


def matrix(text: str, css_class: str) -> list[list[str]]:
    """Return the cells of a table, the head first."""
    (table,) = lxml.html.fromstring(text).find_class(css_class)
    return [[" ".join(cell.text_content().split()) for cell in row] for row in table.iter("tr")]


def test_it_tells_who_has_reported_which_table(client, stored, store, structures) -> None:
    other = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_MNA_TPOP_SEX_CRS(1.0.0)"
    row = stored[0] | {"REF_AREA": "SGP", "MEASURE": "MNA_TPOP", "TIME_PERIOD": "2012"}
    dsd = structures.dsd(other)
    store.write([Dataset(dsd, batches_from_rows(dsd, [row]))], SubmissionRecord("second"))
    held = Counter(row["REF_AREA"] for row in stored)
    years = {
        code: sorted({r["TIME_PERIOD"] for r in stored if r["REF_AREA"] == code}) for code in held
    }
    rows = matrix(client.get("/").text, "matrix")
    assert rows[0] == ["Country", "T13", "T15"]
    assert rows[1:] == [
        [name, DASH, f"{years[code][0]}{DASH}{years[code][-1]} {held[code]}"]
        for name, code in (("Indonesia", "IDN"), ("Philippines", "PHL"))
    ] + [["Singapore", "2012 1", DASH]]


def test_it_tells_for_which_years(client, stored) -> None:
    rows = matrix(client.get("/").text, "years")
    years = sorted({int(row["TIME_PERIOD"]) for row in stored})
    span = range(years[0], years[-1] + 1)
    assert len(rows[0]) == 1 + len(span)
    for name, code in (("Indonesia", "IDN"), ("Philippines", "PHL")):
        reported = {int(row["TIME_PERIOD"]) for row in stored if row["REF_AREA"] == code}
        (found,) = (row for row in rows if row[0] == name)
        assert found[1:] == ["1" if year in reported else "" for year in span]


def test_it_tells_of_the_latest_submissions_but_not_of_their_files(
    client, stored, store, structures
) -> None:
    provider = "urn:sdmx:org.sdmx.infomodel.base.DataProvider=ILMS:DATA_PROVIDERS(1.0).THA_MOL"
    dsd = structures.dsd(FLOW)
    for number in range(9):
        more = [{**stored[0], "REF_AREA": "THA", "TIME_PERIOD": str(2010 + number)}]
        record = SubmissionRecord(f"n{number}", provider=provider, source_name="from Ms A.xlsx")
        store.write([Dataset(dsd, batches_from_rows(dsd, more))], record)
    text = client.get("/").text
    rows = matrix(text, "latest")
    assert len(rows) == 1 + 8
    assert all(row[1:] == ["Thailand: Ministry of Labour", "T15"] for row in rows[1:])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", row[0]) for row in rows[1:])
    assert "Ms A" not in text


def test_every_format_is_offered_on_both_lines(client, stored) -> None:
    rows = matrix(client.get("/").text, "formats")
    names = [row[0] for row in rows[1:]]
    assert names == [entry.name for entry in DATA_FORMATS if entry.encode] + [
        f"{entry.name} structures" for entry in STRUCTURE_FORMATS if entry.encode
    ]
    assert all(row[2] == "v2 v1" for row in rows[1:])


def test_an_empty_store_has_a_page_too(client) -> None:
    text = client.get("/").text
    Page(text)
    assert "none yet" in text
    assert 'class="matrix"' not in text


def test_a_missing_page_is_told_as_a_page(client) -> None:
    response = client.get("/nix")
    assert response.status_code == 404
    assert "There is no such page" in response.text
    Page(response.text)


def test_every_language_has_only_texts_that_english_has() -> None:
    texts = load_texts()
    for words in texts.values():
        assert words["title"]
        assert set(words.names) == set(texts["en"].names)


def test_health_is_told_without_the_store(client) -> None:
    assert client.get("/health").json == {"status": "ok"}
