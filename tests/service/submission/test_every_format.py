"""Whatever format the figures come in, they are the same figures, found wrong in the same way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from codelists.urn import Urn
from dsd.batch import batch_schema, batches_from_rows
from dsd.dataset import Preamble, PreparedDataset
from service.config import Settings
from service.formats import DATA_FORMATS, find_data_format
from service.formats.contract import EncodeOptions, Header
from service.formats.recognition import UnrecognisedError, recognise_data
from service.submission.convert import read_submission
from service.submission.receive import submit
from service.submission.result import State

NOW = datetime(2026, 11, 21, tzinfo=UTC)
READABLE = [entry for entry in DATA_FORMATS if entry.encode and entry.decode]


def message(data_format, dsd, female: str) -> bytes:
    """Return Indonesia's departures to Hong Kong by sex, in order of the key."""
    rows = [
        {
            "REF_AREA": "IDN",
            "FREQ": "A",
            "MEASURE": "MNA_OEMP",
            "SEX": sex,
            "COUNTERPART_AREA": "HKG",
            "SOURCE": "FB_6665",
            "TIME_PERIOD": "2024",
            "OBS_VALUE": value,
            "UNIT_MEASURE": "PS",
            "UNIT_MULT": "3",
        }
        for sex, value in (("SEX_T", "99.773"), ("SEX_M", "0.294"), ("SEX_F", female))
    ]
    codes = {id: tuple(dict.fromkeys(row[id] for row in rows)) for id in rows[0]}
    batches = list(batches_from_rows(dsd, rows, batch_schema(dsd, rows[0])))
    chunks = data_format.encode(
        Header("M1", NOW),
        [PreparedDataset(dsd, Preamble(len(rows), codes), batches)],
        EncodeOptions(),
    )
    return b"".join(chunks)


@pytest.mark.parametrize("data_format", READABLE, ids=lambda entry: entry.name)
def test_the_same_figures_are_judged_alike_in_each_format(data_format, structures, tmp_path):
    settings = Settings(temporary_folder=tmp_path, clock=lambda: NOW)
    dsd = structures.dsd(Urn("Dataflow", "ILMS", "DF_MNA_OEMP_SEX_CDS", "1.0.0"))
    right = submit(message(data_format, dsd, "99.479"), structures, settings=settings)
    assert right.all_findings == []
    assert right.state is State.ACCEPTED
    assert right.tables[0].observations == 3
    wrong = submit(message(data_format, dsd, "99.379"), structures, settings=settings)
    (finding,) = wrong.all_findings
    assert finding.rule == "partition-sum"
    assert finding.key["SEX"] == "SEX_T"
    assert finding.locator is not None
    assert wrong.state is State.REJECTED


@pytest.mark.parametrize(
    "data_format",
    [entry for entry in READABLE if entry.name != "xlsx"],
    ids=lambda entry: entry.name,
)
def test_a_message_is_recognised_by_its_content(data_format, structures):
    dsd = structures.dsd(Urn("Dataflow", "ILMS", "DF_MNA_OEMP_SEX_CDS", "1.0.0"))
    content = message(data_format, dsd, "99.479")
    is_text = data_format.extension in (".csv", ".json", ".jsonstat", ".xml")
    for head in (content, b"\xef\xbb\xbf" + content, b" \n" + content)[: 3 if is_text else 1]:
        found = recognise_data(head[:8192])
        assert found.extension == data_format.extension
        # Nothing in a file of SDMX-CSV 2.0 tells it from 2.1, which reads all that 2.0 can say.
        assert found.version == ("2.1.0" if data_format.name == "csv20" else data_format.version)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b'<m xmlns="http://www.sdmx.org/resources/sdmxml/schemas/v9_1/message"/>', "9.1"),
        (b"", "nothing known"),
        (b"\x00\x01\x02", "nothing known"),
    ],
)
def test_what_cannot_be_read_is_named(head, says):
    with pytest.raises(UnrecognisedError) as caught:
        recognise_data(head)
    assert says in str(caught.value)
    assert "csv 2.1.0" in str(caught.value)


def test_a_workbook_of_data_is_told_from_a_questionnaire(structures):
    dsd = structures.dsd(Urn("Dataflow", "ILMS", "DF_MNA_OEMP_SEX_CDS", "1.0.0"))
    content = message(find_data_format("xlsx"), dsd, "99.479")
    with read_submission(content, structures) as reading:
        assert reading.kind == "xlsx"
        assert sum(batch.num_rows for found in reading.datasets for batch in found.batches) == 3
