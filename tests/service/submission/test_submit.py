"""From a file to a receipt, with a real store; the same without one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from converters.template import filled_bytes
from dsd.batch import rows_of
from dsd.structures import Structures
from service.config import Settings
from service.query.selection import Selection
from service.store import open_store
from service.store.protocol import Store
from service.submission.agreement import UnknownProviderError
from service.submission.convert import UnreadableSubmissionError
from service.submission.receive import submit
from service.submission.report import as_json, as_text, rule_infos
from service.submission.result import State
from service.validation.waiver import decode_waivers

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FLOW = "ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)"
ECO = "ILMS:DF_MNA_OEMP_SEX_ECO(1.0.0)"
HEADER = (
    "STRUCTURE,STRUCTURE_ID,ACTION,REF_AREA,FREQ,MEASURE,SEX,COUNTERPART_AREA,SOURCE,TIME_PERIOD,"
    "OBS_VALUE,UNIT_MEASURE,UNIT_MULT"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        store_folder=tmp_path / "store", temporary_folder=tmp_path / "tmp", clock=lambda: NOW
    )


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = open_store(settings)
    yield store
    store.close()


def csv_of(*rows: str, action: str = "M") -> bytes:
    """Return an SDMX-CSV message: each row `SEX,COUNTERPART_AREA,TIME_PERIOD,OBS_VALUE` of Indonesia."""
    lines = [HEADER]
    for row in rows:
        sex, counterpart, period, value = row.split(",")
        lines.append(
            f"dataflow,{FLOW},{action},IDN,A,MNA_OEMP,{sex},{counterpart},FB_6665,{period},{value},PS,3"
        )
    return ("\n".join(lines) + "\n").encode("utf-8")


GOOD = csv_of("SEX_T,TOTAL,2023,10.5", "SEX_M,TOTAL,2023,4.25", "SEX_F,TOTAL,2023,6.25")
WRONG_SUM = csv_of("SEX_T,TOTAL,2023,10.5", "SEX_M,TOTAL,2023,4.25", "SEX_F,TOTAL,2023,5.25")


def workbook(structures: Structures, female: str = "6.25") -> bytes:
    """Return a questionnaire of Indonesia with tables 15 and 16."""
    common = {
        "REF_AREA": "IDN",
        "FREQ": "A",
        "MEASURE": "MNA_OEMP",
        "SOURCE": "FB_6665",
        "TIME_PERIOD": "2023",
        "UNIT_MEASURE": "PS",
        "UNIT_MULT": "3",
    }
    sexes = (("SEX_T", "10.5"), ("SEX_M", "4.25"), ("SEX_F", female))
    by_country = [
        {**common, "SEX": sex, "COUNTERPART_AREA": "TOTAL", "OBS_VALUE": value}
        for sex, value in sexes
    ]
    by_activity = [
        {**common, "SEX": "SEX_T", "ECO": f"ECO_SECTOR_{code}", "OBS_VALUE": value}
        for code, value in (("TOTAL", "10.5"), ("AGR", "4.5"), ("NAG", "6"))
    ]
    return filled_bytes(structures, "IDN", {"T15": by_country, "T16": by_activity})


def stored(store: Store, structures: Structures, flow: str = FLOW) -> list[dict]:
    agency, _, rest = flow.partition(":")
    id, _, version = rest.rstrip(")").partition("(")
    dsd = structures.dsd(
        f"urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow={agency}:{id}({version})"
    )
    with store.read(Selection(dsd)) as snapshot:
        return list(rows_of(snapshot.batches))


def test_what_is_accepted_is_stored_as_it_was_reported(structures, store, settings):
    result = submit(GOOD, structures, store, name="idn.csv", provider="IDN_MOM", settings=settings)
    assert result.state is State.ACCEPTED
    assert result.source_sha256 == hashlib.sha256(GOOD).hexdigest()
    assert result.received == NOW
    (table,) = result.tables
    assert (table.dataflow, table.table_number, table.observations) == (FLOW, "15", 3)
    assert table.findings == []
    assert table.agreement is not None
    assert "PA_IDN_MNA_OEMP_SEX_CDS" in table.agreement
    assert table.changes is not None
    assert table.changes.inserted == 3
    assert {(row["SEX"], row["OBS_VALUE"]) for row in stored(store, structures)} == {
        ("SEX_T", "10.5"),
        ("SEX_M", "4.25"),
        ("SEX_F", "6.25"),
    }
    (entry,) = store.ledger()
    assert entry.submission.id == result.id
    assert entry.submission.source_sha256 == result.source_sha256
    assert entry.transaction == result.receipt.transaction


def test_nothing_is_written_where_everything_is_rejected(structures, store, settings):
    result = submit(WRONG_SUM, structures, store, settings=settings)
    assert result.state is State.REJECTED
    assert result.receipt is None
    assert [finding.rule for finding in result.tables[0].findings] == ["partition-sum"]
    assert store.dataflows() == ()
    assert list(store.ledger()) == []


def test_a_waiver_lets_the_table_in_and_goes_into_the_ledger(structures, store, settings):
    waivers = decode_waivers(
        b'[[waiver]]\nrule = "partition-sum"\nkeys = [{REF_AREA = "IDN", TIME_PERIOD = "2023"}]\n'
        b'author = "Office"\nreason = "As in the register."\n',
        "waivers.toml",
        rule_infos(),
    )
    result = submit(WRONG_SUM, structures, store, waivers=waivers, settings=settings)
    assert result.state is State.ACCEPTED
    assert result.tables[0].waived == 1
    assert result.counts == {"error": 1}
    assert len(stored(store, structures)) == 3
    (entry,) = store.ledger()
    assert entry.submission.details["waived"][0]["reason"] == "As in the register. (Office)"
    assert "Allowed: As in the register. (Office)" in as_text(result)
    # The same waivers judge another submission afresh.
    again = submit(GOOD, structures, waivers=waivers, settings=settings)
    assert [finding.rule for finding in again.findings] == ["unused-waiver"]
    assert again.state is State.ACCEPTED


def test_each_table_of_a_workbook_stands_for_itself(structures, store, settings):
    result = submit(workbook(structures, female="5.25"), structures, store, settings=settings)
    assert result.kind == "questionnaire"
    assert result.state is State.PARTLY
    states = {table.table_number: table.state for table in result.tables}
    assert states == {"15": State.REJECTED, "16": State.ACCEPTED}
    (finding,) = result.tables[0].findings
    assert finding.rule == "partition-sum"
    assert finding.locator.startswith("cell:T15!")
    assert [flow.short for flow in store.dataflows()] == [ECO]
    assert len(stored(store, structures, ECO)) == 3


def test_all_or_nothing_writes_nothing_where_one_table_is_rejected(structures, store, settings):
    result = submit(
        workbook(structures, female="5.25"),
        structures,
        store,
        all_or_nothing=True,
        settings=settings,
    )
    assert result.state is State.REJECTED
    assert {table.state for table in result.tables} == {State.REJECTED}
    assert store.dataflows() == ()
    assert submit(
        workbook(structures), structures, store, all_or_nothing=True, settings=settings
    ).is_accepted


def test_a_country_cannot_report_for_another(structures, store, settings):
    result = submit(GOOD, structures, store, provider="KHM_MLVT", settings=settings)
    assert result.state is State.REJECTED
    assert {finding.rule for finding in result.tables[0].findings} == {"code-not-allowed"}
    assert {finding.value for finding in result.tables[0].findings} == {"IDN", "FB_6665"}
    assert store.dataflows() == ()


def test_an_office_without_an_agreement_is_sent_to_the_one_that_has(structures, settings):
    result = submit(GOOD, structures, provider="IDN_BPS", settings=settings)
    assert [finding.rule for finding in result.all_findings] == ["no-agreement"]
    assert result.tables[0].agreement is None
    with pytest.raises(UnknownProviderError, match="IDN_MOM"):
        submit(GOOD, structures, provider="IDN_MOH", settings=settings)


def test_checking_without_a_store_says_the_same(structures, store, settings):
    with_store = submit(WRONG_SUM, structures, store, settings=settings)
    without = submit(WRONG_SUM, structures, settings=settings)
    assert with_store.all_findings == without.all_findings
    assert with_store.state == without.state


def test_deleting_needs_no_values_and_is_no_duplicate(structures, store, settings):
    submit(GOOD, structures, store, settings=settings)
    lines = GOOD.decode("utf-8").splitlines()
    delete = lines[1].replace(",M,", ",D,").replace(",10.5,PS,3", ",,,")
    message = "\n".join((lines[0], delete, *lines[2:])) + "\n"
    result = submit(message.encode("utf-8"), structures, store, settings=settings)
    assert result.all_findings == []
    assert result.state is State.ACCEPTED
    assert len(stored(store, structures)) == 2


def test_the_same_data_again_change_nothing(structures, store, settings):
    submit(GOOD, structures, store, settings=settings)
    again = submit(GOOD, structures, store, settings=settings)
    assert again.is_accepted
    assert again.receipt.transaction == 0
    assert again.tables[0].changes.unchanged == 3


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n\x1a\n\x00\x00", b'<a xmlns="http://www.sdmx.org/schemas/v9_9/message"/>'],
)
def test_a_file_of_no_known_kind_is_refused_with_what_can_be_read(content, structures, settings):
    with pytest.raises(UnreadableSubmissionError, match="questionnaire workbook"):
        submit(content, structures, settings=settings)


def test_a_damaged_workbook_is_refused(structures, settings):
    with pytest.raises(UnreadableSubmissionError):
        submit(workbook(structures)[:3000], structures, settings=settings)


def test_a_message_of_an_unknown_structure_is_rejected_as_a_whole(structures, store, settings):
    message = GOOD.replace(b"DF_MNA_OEMP_SEX_CDS", b"DF_NOBODY_KNOWS")
    result = submit(message, structures, store, settings=settings)
    assert result.state is State.REJECTED
    assert result.tables == []
    assert any(finding.rejects for finding in result.findings)
    assert store.dataflows() == ()


def test_a_file_is_read_where_it_lies_and_leaves_no_spool(structures, store, settings):
    rows = [
        f"SEX_T,{country},{year},{number}.125"
        for number, (country, year) in enumerate(
            (country, year) for country in ("HKG", "SGP", "JPN") for year in range(1000, 2000)
        )
    ]
    path = settings.store_folder.parent / "large.csv"
    path.write_bytes(csv_of(*rows))
    result = submit(path, structures, store, settings=settings)
    assert result.source_name == "large.csv"
    assert result.source_bytes == path.stat().st_size
    assert result.tables[0].changes.inserted == 3000
    assert not any(settings.temporary_folder.glob("spool-*"))


def test_the_receipt_is_json_with_a_stable_shape(structures, settings):
    document = json.loads(as_json(submit(WRONG_SUM, structures, name="x.csv", settings=settings)))
    assert list(document) == [
        "id",
        "received",
        "source_name",
        "source_sha256",
        "source_bytes",
        "kind",
        "provider",
        "state",
        "counts",
        "tables",
        "findings",
        "receipt",
    ]
    (finding,) = document["tables"][0]["findings"]
    assert finding["rule"] == "partition-sum"
    assert finding["locator"] == "line:2"
    assert finding["key"]["SEX"] == "SEX_T"


def test_the_text_report_tells_place_reason_and_remedy(structures, settings):
    text = as_text(submit(WRONG_SUM, structures, name="x.csv", settings=settings))
    assert "x.csv: rejected, 0 of 1 table (3 observations)" in text
    assert "error partition-sum (1) - The parts do not add up to their total" in text
    assert "line 2, IDN A MNA_OEMP SEX_T TOTAL FB_6665 2023" in text
    assert "To mend: Correct the figure that is wrong" in text


def test_one_mistake_at_many_places_is_told_once_in_words(structures, settings):
    text = " ".join(
        as_text(submit(GOOD, structures, provider="KHM_MLVT", settings=settings)).split()
    )
    assert "and 2 other places: REF_AREA IDN (Indonesia) is not" in text
    assert text.count("REF_AREA IDN (Indonesia) is not allowed") == 1


@pytest.mark.parametrize("spoilt", ["figure", "label"])
def test_a_cell_that_cannot_be_read_is_one_finding_and_no_wrong_sum(
    spoilt, structures, settings, tmp_path
):
    common = {"REF_AREA": "IDN", "FREQ": "A", "MEASURE": "MNA_OEMP", "SOURCE": "FB_6665"}
    common |= {"TIME_PERIOD": "2023", "UNIT_MEASURE": "PS", "UNIT_MULT": "3", "SEX": "SEX_T"}
    rows = [
        {**common, "COUNTERPART_AREA": code, "OBS_VALUE": value}
        for code, value in (("TOTAL", "100"), ("HKG", "61"), ("SGP", "29"), ("X", "10"))
    ]
    path = tmp_path / "idn.xlsx"
    path.write_bytes(filled_bytes(structures, "IDN", {"T15": rows}))
    assert submit(path, structures, settings=settings).all_findings == []
    book = openpyxl.load_workbook(path)
    sheet = book["T15"]
    old, new = (61, "many") if spoilt == "figure" else ("Hong Kong, China", "Hongkonk")
    (cell,) = [c for row in sheet.iter_rows() for c in row if c.value == old]
    cell.value = new
    book.save(path)
    (finding,) = submit(path, structures, settings=settings).all_findings
    assert finding.locator == f"cell:T15!{cell.coordinate}"
    assert finding.rejects


def test_a_column_that_is_missing_is_one_finding(structures: Structures) -> None:
    message = (
        "STRUCTURE,STRUCTURE_ID,ACTION,REF_AREA,FREQ,MEASURE,SEX,COUNTERPART_AREA,TIME_PERIOD,"
        "OBS_VALUE,UNIT_MEASURE,UNIT_MULT\r\n"
        "dataflow,ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0),M,IDN,A,MNA_OEMP,SEX_F,HKG,2024,99.479,PS,3\r\n"
    )
    findings = submit(message.encode(), structures).all_findings
    assert [(f.rule, f.component) for f in findings if f.rejects] == [
        ("missing-component", "SOURCE")
    ]
