"""The one pass: what rules get, what does not run, and datasets that are not plain tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from codelists.urn import Urn
from dsd.batch import ACTION, CODED, batch_schema, batches_from_rows
from dsd.dataset import Action, AttributeValues, Dataset
from dsd.finding import Finding, Severity
from dsd.spool import Spool
from service.config import Settings
from service.validation.engine import findings_in, validate
from service.validation.rule import Rule, RuleInfo
from service.validation.rules import RULES

ROW = {
    "REF_AREA": "IDN",
    "FREQ": "A",
    "MEASURE": "MNA_OEMP",
    "SEX": "SEX_T",
    "COUNTERPART_AREA": "HKG",
    "SOURCE": "FB_6665",
    "TIME_PERIOD": "2023",
    "OBS_VALUE": "1.5",
    "UNIT_MEASURE": "PS",
    "UNIT_MULT": "3",
}


@pytest.fixture(scope="module")
def dsd(structures):
    return structures.dsd(Urn("Dataflow", "ILMS", "DF_MNA_OEMP_SEX_CDS", "1.0.0"))


@pytest.fixture(scope="module")
def facets(with_test_structures):
    return with_test_structures.dsd(Urn("Dataflow", "TEST", "DF_FACETS", "1.0.0"))


class RevisedFigure(Rule):
    """A rule that compares with what is stored."""

    info = RuleInfo(
        id="revised-figure",
        severity=Severity.INFO,
        title="A stored figure changes",
        reference="ILMS R-24",
        why="Readers want to know.",
        mend="Nothing to mend.",
    )
    needs_stored = True

    def start(self) -> Iterator[Finding]:
        """Compare the number of rows only."""
        assert self.context.stored is not None
        stored = sum(b.num_rows for b in self.context.stored.batches(self.context.dsd, {}))
        yield self.finding(f"{stored} rows are stored.")


class Before:
    """What was stored, in memory."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def batches(self, dsd, key):
        return iter(self.dataset.batches)


def test_a_rule_without_the_stored_data_it_needs_is_not_run_rather_than_passed(
    dsd, structures, dataset_of, settings
):
    dataset = dataset_of(dsd, [ROW])
    rules = (*RULES, RevisedFigure)
    report = validate([dataset, dataset], structures, rules=rules, settings=settings)
    assert report.not_run == ["revised-figure"]
    assert report.findings == []
    report = validate(dataset, structures, rules=rules, stored=Before(dataset), settings=settings)
    assert report.not_run == []
    assert [finding.message for finding in report.findings] == ["1 rows are stored."]


def test_findings_come_as_they_are_found(dsd, structures, settings):
    schema = batch_schema(dsd, ROW)
    taken = []

    def batches():
        for sex in ("WRONG", "SEX_M"):
            taken.append(sex)
            yield from batches_from_rows(dsd, [{**ROW, "SEX": sex}], schema)

    with Spool() as spool:
        spool.fill(batches())
        found = findings_in(Dataset(dsd, spool), structures, settings=settings)
        assert next(found).value == "WRONG"
    found.close()
    assert taken == ["WRONG", "SEX_M"]


def test_a_one_shot_stream_is_spooled_and_nothing_is_left(dsd, structures, settings):
    schema = batch_schema(dsd, ROW)
    rows = ({**ROW, "TIME_PERIOD": str(1900 + n)} for n in range(100))
    dataset = Dataset(dsd, batches_from_rows(dsd, rows, schema))
    assert validate(dataset, structures, settings=settings).findings == []
    assert not list(settings.temporary_folder.glob("spool-*"))


def test_columns_may_come_and_go_between_batches(dsd, structures, settings):
    wide = {**ROW, "NOTE": "Registered only", "TIME_PERIOD": "2022"}
    batches = [
        *batches_from_rows(dsd, [ROW], batch_schema(dsd, ROW)),
        *batches_from_rows(dsd, [wide], batch_schema(dsd, wide)),
        *batches_from_rows(dsd, [ROW], batch_schema(dsd, ROW)),
    ]
    with Spool(settings.temporary_folder, memory_bytes=0) as spool:
        spool.fill(batches)
        assert [batch.to_pylist() for batch in spool] == [batch.to_pylist() for batch in batches]
        findings = validate(Dataset(dsd, spool), structures, settings=settings).findings
    assert [finding.rule for finding in findings] == ["duplicate-identical"]


def test_an_empty_dataset_has_no_finding(dsd, structures, settings):
    assert validate(Dataset(dsd, ()), structures, settings=settings).findings == []


@pytest.mark.parametrize("how", ["row", "dataset"])
def test_rows_that_delete_need_neither_values_nor_a_whole_key(how, dsd, structures, settings):
    row = {"REF_AREA": "IDN", "SEX": "SEX_T", ACTION: "Delete"}
    if how == "row":
        schema = batch_schema(dsd, [*row, "FREQ", "OBS_VALUE"], actions=True)
        dataset = Dataset(dsd, tuple(batches_from_rows(dsd, [row, row], schema)))
        # Beside rows that bring data, so that no column is missing as a whole.
        others = tuple(batches_from_rows(dsd, [ROW], batch_schema(dsd, ROW)))
        dataset = replace(dataset, batches=(*dataset.batches, *others))
    else:
        schema = batch_schema(dsd, row)
        batches = tuple(batches_from_rows(dsd, [row, row], schema))
        dataset = Dataset(dsd, batches, action=Action.DELETE)
    findings = validate(dataset, structures, settings=settings).findings
    assert findings == []


def test_a_column_without_any_value_is_one_finding_however_many_rows(
    dsd, structures, dataset_of, settings
):
    rows = [{**ROW, "TIME_PERIOD": str(1990 + n), "UNIT_MULT": ""} for n in range(20)]
    findings = validate(dataset_of(dsd, rows), structures, settings=settings).findings
    assert [(f.rule, f.component) for f in findings] == [("missing-component", "UNIT_MULT")]
    # A value in the last row makes it a matter of single rows.
    rows[-1]["UNIT_MULT"] = "3"
    findings = validate(dataset_of(dsd, rows), structures, settings=settings).findings
    assert [f.rule for f in findings] == ["missing-attribute"] * 19
    assert [f.key["TIME_PERIOD"] for f in findings] == [str(1990 + n) for n in range(19)]


def test_each_value_of_a_multi_valued_attribute_is_checked(
    facets, with_test_structures, dataset_of, settings
):
    row = {
        "AREA": "IDN",
        "OBS_VALUE": "5",
        "OBS_STATUS": "A",
        "UNIT_MEASURE": "PS",
        "UNIT_MULT": "0",
    }
    rows = [
        {**row, "TIME_PERIOD": "2020", "TAGS": ""},
        {**row, "TIME_PERIOD": "2021", "TAGS": "PS;XX;DS;YY"},
        {**row, "TIME_PERIOD": "2022", "TAGS": "PS"},
    ]
    findings = validate(dataset_of(facets, rows), with_test_structures, settings=settings).findings
    assert [(f.rule, f.component, f.value, f.key["TIME_PERIOD"]) for f in findings] == [
        ("unknown-code", "TAGS", "XX", "2021"),
        ("unknown-code", "TAGS", "YY", "2021"),
    ]


def test_attributes_above_the_observation_count_and_are_checked(
    dsd, structures, dataset_of, settings
):
    bare = {id: value for id, value in ROW.items() if not id.startswith("UNIT")}
    rows = [bare, {**bare, "SEX": "SEX_M", "OBS_VALUE": "0.5"}, {**bare, "SEX": "SEX_F"}]
    above = (AttributeValues({}, {"UNIT_MEASURE": "PS", "UNIT_MULT": "3", "BOGUS": "1"}),)
    dataset = replace(dataset_of(dsd, rows), attributes=above)
    findings = validate(dataset, structures, settings=settings).findings
    assert [(f.rule, f.component) for f in findings] == [
        ("unknown-component", "BOGUS"),
        ("partition-sum", "SEX"),
    ]
    above = (
        AttributeValues({"SEX": "SEX_T"}, {"UNIT_MEASURE": "PERSONS", "UNIT_MULT": "3"}),
        AttributeValues({"SEX": "SEX_F"}, {"UNIT_MEASURE": "PS", "UNIT_MULT": "3"}),
    )
    findings = validate(replace(dataset, attributes=above), structures, settings=settings).findings
    assert [(f.rule, f.component, f.key) for f in findings] == [
        ("unknown-code", "UNIT_MEASURE", {"SEX": "SEX_T"}),
        ("missing-attribute", "UNIT_MEASURE", {"SEX": "SEX_M"}),
        ("missing-attribute", "UNIT_MULT", {"SEX": "SEX_M"}),
    ]


def test_keys_that_outgrow_64_bits_are_still_told_apart(
    with_test_structures, dataset_of, settings, monkeypatch
):
    dsd = with_test_structures.dsd(Urn("Dataflow", "ILMS", "DF_MNA_OEMP_SEX_CDS", "1.0.0"))
    rows = [
        ROW,
        {**ROW, "SEX": "SEX_M", "OBS_VALUE": "1"},
        {**ROW, "SEX": "SEX_F", "OBS_VALUE": "0.75"},
        {**ROW, "SEX": "SEX_F", "TIME_PERIOD": "2020"},
        {**ROW, "SEX": "SEX_F", "TIME_PERIOD": "2020"},
    ]
    expected = validate(dataset_of(dsd, rows), with_test_structures, settings=settings).findings
    monkeypatch.setattr("service.validation.facts._LARGEST_BIGINT", 1)
    wide = validate(dataset_of(dsd, rows), with_test_structures, settings=settings).findings
    assert wide == expected
    assert [f.rule for f in wide] == ["duplicate-identical", "partition-sum"]


def test_plain_text_columns_serve_as_well_as_dictionaries(dsd, structures, settings):
    row = {**ROW, "SEX": "BOTH"}
    (batch,) = batches_from_rows(dsd, [row], batch_schema(dsd, row))
    plain = pa.RecordBatch.from_pydict({name: [row[name]] for name in batch.schema.names})
    assert batch.schema.field("SEX").type == CODED
    assert plain.schema.field("SEX").type == pa.string()
    findings = [
        validate(Dataset(dsd, (b,)), structures, settings=settings).findings for b in (batch, plain)
    ]
    assert findings[0] == findings[1]
    assert [f.rule for f in findings[0]] == ["unknown-code"]
    assert findings[0][0].message.endswith("SEX_T, SEX_M, SEX_F, SEX_O.")


@pytest.mark.long
def test_more_rows_than_memory_takes_are_checked_all_the_same(dsd, structures, tmp_path):
    settings = Settings(temporary_folder=tmp_path / "not" / "there", duckdb_memory_limit_mb=64)
    years = [str(year) for year in range(1000, 1400)]
    countries = [c.id for c in dsd["COUNTERPART_AREA"].allowed_codes if c.id != "IDN"][:160]
    codes = dsd["COUNTERPART_AREA"].codes
    countries = [id for id in countries if codes[id].annotation("VALID_TO") is None]
    keys = [(country, year) for country in countries for year in years]
    number = len(keys)
    # Zeros add up whatever is part of what.
    same = {id: pa.array([value] * number) for id, value in (ROW | {"OBS_VALUE": "0"}).items()}

    def batches():
        for source in [c.id for c in dsd["SOURCE"].allowed_codes][1:6]:
            columns = same | {
                "SOURCE": pa.array([source] * number),
                "COUNTERPART_AREA": pa.array([country for country, _ in keys]),
                "TIME_PERIOD": pa.array([year for _, year in keys]),
            }
            yield pa.RecordBatch.from_pydict(columns)
        yield pa.RecordBatch.from_pydict({id: column[-1:] for id, column in columns.items()})

    with Spool(settings.temporary_folder, memory_bytes=0) as spool:
        spool.fill(batches())
        assert spool.rows > 100_000
        findings = validate(Dataset(dsd, spool), structures, settings=settings).findings
    assert [finding.rule for finding in findings] == ["duplicate-identical"]
    assert list(settings.temporary_folder.iterdir()) == []
