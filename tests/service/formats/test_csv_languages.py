"""Texts in languages in SDMX-CSV 2.x: data message field guide, "Non-coded multi-lingual (multi-valued) components"."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsd.batch import batches_from_rows, rows_of
from dsd.dataset import AttributeValues, Dataset, PreparedDataset
from dsd.finding import Report
from dsd.localised import compose
from dsd.structures import Structures
from service.formats import find_data_format
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.preamble import in_key_order, make_preamble

DF_L = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_L(1.0.0)"
KEY = {"REF_AREA": "LAO", "SEX": "M", "TIME_PERIOD": "2024"}
Rows = list[dict[str, Any]]


def write(
    structures: Structures,
    header: Header,
    rows: Rows,
    *above: AttributeValues,
    streamed: bool = False,
    **options: Any,
) -> bytes:
    dsd = structures.dsd(DF_L)
    batches = list(batches_from_rows(dsd, rows))
    preamble = make_preamble(dsd, batches, above)
    ordered: Any = in_key_order(dsd, batches, preamble)
    data = PreparedDataset(dsd, preamble, iter(ordered) if streamed else ordered)
    encode = find_data_format("csv").encode
    assert encode
    return b"".join(encode(header, [data], EncodeOptions(**options)))


def read(body: bytes, structures: Structures) -> tuple[Rows, list[Dataset], Report]:
    report = Report()
    decode = find_data_format("csv").decode
    assert decode
    found = list(decode(io.BytesIO(body), structures, report))
    rows = [row for dataset in found for row in rows_of(dataset.batches)]
    return [{id: v for id, v in row.items() if id[0] != "$"} for row in rows], found, report


def table(body: bytes) -> Rows:
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def test_35_cells_are_written_as_the_guide_has_them(localised: Structures, header: Header) -> None:
    rows = [
        KEY
        | {
            "REMARK": compose({"en": 'Value "X"', "fr": "Valeur; oui"}),
            "REMARKS": [compose({"en": "V1", "fr": "W1"}), "V2"],
        },
        KEY | {"TIME_PERIOD": "2025", "REMARK": "plain"},
    ]
    body = write(localised, header, rows)
    assert body.startswith(b"STRUCTURE[;],")
    first, second = table(body)
    assert first["REMARK[en;fr]"] == 'en:Value "X";"fr:Valeur; oui"'
    assert first["REMARKS[en;fr]"] == '"en:V1;fr:W1";"en:V2"'
    assert second["REMARK[en;fr]"] == "en:plain"
    # Where all is English, nothing says so.
    plain = write(localised, header, [KEY | {"REMARK": "plain", "REMARKS": ["a", "b"]}])
    assert table(plain)[0]["REMARK"] == "plain"
    assert table(plain)[0]["REMARKS[]"] == "a;b"


def test_only_languages_asked_for_are_written(localised: Structures, header: Header) -> None:
    rows = [
        KEY | {"REMARK": compose({"en": "One", "fr": "Un", "lo": "ໜຶ່ງ"})},
        KEY | {"TIME_PERIOD": "2025", "REMARK": compose({"es": "Dos", "lo": "ສອງ"})},
    ]
    for languages, header_cell, cells in (
        ((), "REMARK[en;es;fr;lo]", ["en:One;fr:Un;lo:ໜຶ່ງ", "es:Dos;lo:ສອງ"]),
        (("*",), "REMARK[en;es;fr;lo]", ["en:One;fr:Un;lo:ໜຶ່ງ", "es:Dos;lo:ສອງ"]),
        (("fr", "lo"), "REMARK[fr;lo]", ["fr:Un;lo:ໜຶ່ງ", "lo:ສອງ"]),
        # Of the second none is asked for: the best match is the first that there is.
        (("en",), "REMARK[en;es]", ["en:One", "es:Dos"]),
    ):
        found = table(write(localised, header, rows, languages=languages))
        assert [row[header_cell] for row in found] == cells


# No XML or CSV text holds the marks; other control characters are no matter of languages.
texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from(';:",\n\r\t[]'),
    max_size=8,
)
tags = st.sampled_from(["en", "fr", "lo", "pt-BR", "zh-Hans-CN"])
values = st.dictionaries(tags, texts, min_size=1, max_size=3).map(compose)
remarks = st.fixed_dictionaries(
    {},
    optional={"REMARK": values, "REMARKS": st.lists(values, max_size=3), "OBS_VALUE": st.just("1")},
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    drawn=st.lists(remarks, min_size=1, max_size=4),
    title=values,
    series=values,
    labels=st.sampled_from(["id", "name", "both"]),
    keys=st.sampled_from(["none", "both"]),
    streamed=st.booleans(),
)
def test_any_texts_come_back(
    localised: Structures,
    header: Header,
    drawn: Rows,
    title: str,
    series: str,
    labels: str,
    keys: str,
    streamed: bool,
) -> None:
    rows = [KEY | {"TIME_PERIOD": str(2000 + n)} | own for n, own in enumerate(drawn)]
    above = (
        AttributeValues({}, {"TITLE": title}),
        AttributeValues({"REF_AREA": "LAO", "SEX": "M"}, {"SERIES_NOTE": series}),
    )
    body = write(localised, header, rows, *above, labels=labels, keys=keys, streamed=streamed)
    found, datasets, report = read(body, localised)
    assert report.findings == []
    assert found == rows
    assert [entry for dataset in datasets for entry in dataset.attributes] == list(above)


START = "STRUCTURE[;],STRUCTURE_ID,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE"


@pytest.mark.parametrize(
    ("column", "cell", "expected", "rules"),
    [
        ("REMARK[en;fr]", "fr:Un;en:One", compose({"en": "One", "fr": "Un"}), []),
        ("REMARK[en; fr]: Remark", "fr:Un", compose({"fr": "Un"}), []),
        ("REMARK", "fr:Un", "fr:Un", []),
        ("REMARK[en;fr]", "no language", "no language", ["unstated-language"]),
        # A text that should be in quotation marks.
        ("REMARK[en;fr]", "fr:Un; deux", compose({"fr": "Un; deux"}), ["unstated-language"]),
        ("REMARK[en;fr]", "fr:Un;fr:Deux", compose({"fr": "Un"}), ["unstated-language"]),
        ("REMARK[en;fr]", "de:Eins", "de:Eins", ["unstated-language"]),
        (
            "REMARKS[][en;fr]",
            '"""en:A;fr:B"";""fr:C"""',
            [compose({"en": "A", "fr": "B"}), compose({"fr": "C"})],
            [],
        ),
        # Without quotation marks it is one value, until a language comes again.
        ("REMARKS[en;fr]", "en:A;fr:B", [compose({"en": "A", "fr": "B"})], []),
        ("REMARKS[en;fr]", "en:A;en:B", ["A", "B"], []),
        ("REMARK", "a\x1eb", None, ["reserved-character"]),
        ("REMARK[en;fr]", "fr:a\x1fb", None, ["reserved-character"]),
        ("REMARKS[]", "a;\x1eb", None, ["reserved-character"]),
    ],
)
def test_cells_of_others(
    localised: Structures, column: str, cell: str, expected: Any, rules: list[str]
) -> None:
    body = f"{START},{column}\ndataflow,TST:DF_L(1.0.0),LAO,M,2024,1,{cell}\n".encode()
    rows, _, report = read(body, localised)
    assert [finding.rule for finding in report.findings] == rules
    assert rows == [
        KEY | {"OBS_VALUE": "1"} | ({column.partition("[")[0]: expected} if expected else {})
    ]
    assert all(f.locator == "line:2" for f in report.findings)


def test_structures_that_disagree_on_languages_do_not_share_a_column(
    localised: Structures, header: Header
) -> None:
    dsd = localised.dsd(DF_L)
    plain = replace(
        dsd,
        components=tuple(
            replace(c, text_format=None) if c.id == "REMARK" else c for c in dsd.components
        ),
    )
    encode = find_data_format("csv").encode
    assert encode
    for text, refused in (("One", False), (compose({"fr": "Un"}), True)):
        rows = list(batches_from_rows(dsd, [KEY | {"REMARK": text}]))
        data = [PreparedDataset(own, make_preamble(own, rows), rows) for own in (dsd, plain)]
        if refused:
            with pytest.raises(NotExpressibleError, match="REMARK has texts in fr"):
                b"".join(encode(header, data, EncodeOptions()))
        else:
            assert b"".join(encode(header, data, EncodeOptions()))
