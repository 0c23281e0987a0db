"""The figures that ILOSTAT publishes for ASEAN, with the mistakes that stand in them (ILMS R-03 to R-07)."""

from __future__ import annotations

import csv

import pytest

from codelists.urn import Urn
from dsd.batch import LOCATOR
from service.validation.engine import validate

# The published table, its dataflow here, the dimension of its classification and the prefix of its codes.
TABLES = {
    "MNA_OEMP_SEX_CDS": ("MNA_OEMP_SEX_CDS", "COUNTERPART_AREA", "CDS_DES_", {}),
    "MNA_TPOP_SEX_CRS": ("MNA_TPOP_SEX_CRS", "COUNTERPART_AREA", "CRS_RES_", {}),
    "MNA_OEMP_SEX_ECO": ("MNA_OEMP_SEX_ECO", "ECO", "", {}),
    "MNA_OEMP_SEX_OCU": ("MNA_OEMP_SEX_OCU", "OCU", "", {}),
    "MST_NCTE_SEX_CCT": (
        "MST_MEMP_SEX_COU",
        "COUNTERPART_AREA",
        "CCT_CTZ_",
        {"MIG_CRITERION": "CCT"},
    ),
}
# Each checked by hand: (rule, country, sex, code, year, component).
EXPECTED = {
    "MNA_OEMP_SEX_CDS": {
        ("partition-sum", "LAO", "SEX_T", "KOR", "2023", "SEX"),
        ("partition-sum", "THA", "SEX_T", "TWN", "2020", "SEX"),
        ("partition-sum", "THA", "SEX_T", "X", "2020", "SEX"),
        ("partition-sum", "LAO", "SEX_F", "TOTAL", "2023", "COUNTERPART_AREA"),
    },
    "MNA_TPOP_SEX_CRS": {
        ("partition-sum", "KHM", "SEX_T", "TOTAL", "2010", "SEX"),
        ("part-exceeds-total", "KHM", "SEX_T", "TOTAL", "2010", "SEX"),
    },
    "MNA_OEMP_SEX_ECO": {
        ("unknown-equals-subtotal", "LAO", sex, "ECO_SECTOR_X", "2024", "ECO")
        for sex in ("SEX_T", "SEX_M", "SEX_F")
    },
    "MNA_OEMP_SEX_OCU": {
        ("partition-sum", "IDN", sex, "OCU_SKILL_TOTAL", "2016", "OCU")
        for sex in ("SEX_T", "SEX_F")
    },
    "MST_NCTE_SEX_CCT": set(),
}


@pytest.fixture
def published(shared, structures, dataset_of):
    """Return the function that reads a published table as a dataset."""

    def read(name, country=None):
        id, dimension, prefix, fixed = TABLES[name]
        dsd = structures.dsd(Urn("Dataflow", "ILMS", f"DF_{id}", "1.0.0"))
        path = shared / f"ilms/published/{name}_NB_ASEAN.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = [
                {
                    "REF_AREA": row["ref_area"],
                    "FREQ": "A",
                    "MEASURE": id.split("_SEX")[0],
                    "SEX": row["sex"],
                    dimension: row["classif1"].removeprefix(prefix),
                    "SOURCE": "_U",
                    "TIME_PERIOD": row["time"],
                    "OBS_VALUE": row["obs_value"],
                    "UNIT_MEASURE": "PS",
                    "UNIT_MULT": "3",
                    LOCATOR: f"line:{line}",
                    **fixed,
                }
                for line, row in enumerate(csv.DictReader(file), 2)
                if country in (None, row["ref_area"])
            ]
        return dataset_of(dsd, rows)

    return read


@pytest.mark.shared
@pytest.mark.parametrize("name", TABLES)
def test_exactly_the_known_mistakes_are_found(name, published, structures, settings):
    dataset = published(name)
    findings = validate(dataset, structures, settings=settings).findings
    dimension = TABLES[name][1]
    about_source = [finding for finding in findings if finding.rule == "not-stated"]
    assert [finding.value for finding in about_source] == ["_U"]
    found = [
        (
            finding.rule,
            finding.key["REF_AREA"],
            finding.key["SEX"],
            finding.key[dimension],
            finding.key["TIME_PERIOD"],
            finding.component,
        )
        for finding in findings
        if finding.rule != "not-stated"
    ]
    assert len(found) == len(set(found))
    assert set(found) == EXPECTED[name]


@pytest.mark.shared
def test_table_15_of_indonesia_is_right(published, structures, settings):
    report = validate(published("MNA_OEMP_SEX_CDS", "IDN"), structures, settings=settings)
    (finding,) = report.findings
    assert finding.rule == "not-stated"
    assert report.is_accepted
