"""Every published figure has a key within the constraints of its table."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from codelists.urn import Urn
from dsd.structure import Dataflow
from dsd.structures import Structures

# Published indicator: our table, the dimension of its classification, the prefix that ILO puts before the
# code there, the measure, and what the indicator's name says of further dimensions.
TABLES: dict[str, tuple[str, str, str, str, dict[str, str]]] = {
    "MNA_OEMP_SEX_CDS_NB": ("MNA_OEMP_SEX_CDS", "COUNTERPART_AREA", "CDS_DES_", "MNA_OEMP", {}),
    "MNA_TPOP_SEX_CRS_NB": ("MNA_TPOP_SEX_CRS", "COUNTERPART_AREA", "CRS_RES_", "MNA_TPOP", {}),
    "MNA_OEMP_SEX_ECO_NB": ("MNA_OEMP_SEX_ECO", "ECO", "", "MNA_OEMP", {}),
    "MNA_OEMP_SEX_OCU_NB": ("MNA_OEMP_SEX_OCU", "OCU", "", "MNA_OEMP", {}),
    "MST_NCTE_SEX_CCT_NB": (
        "MST_MEMP_SEX_COU", "COUNTERPART_AREA", "CCT_CTZ_", "MST_MEMP", {"MIG_CRITERION": "CCT"},
    ),
}  # fmt: skip


def _key(row: dict[str, str]) -> tuple[str, dict[str, str]]:
    table, dimension, prefix, measure, fixed = TABLES[row["indicator"]]
    key = {
        "REF_AREA": row["ref_area"],
        "FREQ": "A",
        "MEASURE": measure,
        "SEX": row["sex"],
        dimension: row["classif1"].removeprefix(prefix),
        "SOURCE": "_U",
        **fixed,
    }
    return table, key


@pytest.mark.shared
def test_every_published_row_is_a_key_within_the_constraints(
    shared: Any, structures: Structures
) -> None:
    folder: Path = shared / "ilms/published"
    rows: list[dict[str, str]] = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as table:
            rows += csv.DictReader(table)
    outside, used, seen = [], Counter[str](), set()
    for row in rows:
        table, key = _key(row)
        agreement = f"PA_{row['ref_area']}_{table}"
        # The agreement of the country binds the most: table, dataflow and provider together.
        dsd = structures.dsd(Urn("ProvisionAgreement", "ILMS", agreement, "1.0.0"))
        assert set(dsd.series_ids) == key.keys()
        outside += [(row, id) for id in dsd.series_ids if not dsd[id].allows(key[id])]
        used[table] += 1
        seen.add((table, *key.values(), row["time"]))
    assert outside == []
    assert len(rows) == len(seen) == 1752
    assert used == {
        "MNA_OEMP_SEX_CDS": 1001,
        "MNA_OEMP_SEX_ECO": 324,
        "MNA_OEMP_SEX_OCU": 189,
        "MNA_TPOP_SEX_CRS": 145,
        "MST_MEMP_SEX_COU": 93,
    }


@pytest.mark.shared
def test_the_mapping_to_the_ids_of_ilo_is_the_researched_one(
    shared: Any, structures: Structures
) -> None:
    with (shared / "ilms/reference/ilostat_migration_dataflow_ids_2026-08-19.txt").open(
        encoding="utf-8"
    ) as text:
        catalogue = {line.strip() for line in text if line.strip()}
    mapped = [
        (flow.id, annotation.value)
        for flow in structures.of_type(Dataflow)
        for annotation in flow.annotations
        if annotation.id and annotation.id.startswith("ILO_DATAFLOW_2026")
    ]
    assert len(mapped) > 30
    assert [pair for pair in mapped if pair[1] not in catalogue] == []
