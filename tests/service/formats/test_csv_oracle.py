"""sdmx1 reads our SDMX-CSV 2.0 to the same observations. Of the other versions it says that they are none.

It cuts lines before cells, so that no cell may hold a line end, and does not handle key columns. pysdmx, which reads all three versions, is asked in test_pysdmx.
"""

from __future__ import annotations

import io
from typing import Any

import pytest
import sdmx
from sdmx.reader.csv import Reader

from dsd.batch import batches_from_rows
from dsd.dataset import Action, PreparedDataset
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats import find_data_format, find_structure_format
from service.formats.contract import EncodeOptions, Header
from service.formats.preamble import in_key_order, make_preamble

COLUMNS = ("OBS_VALUE", "OBS_STATUS", "NOTE")


@pytest.fixture
def flow(test_structures: Structures, header: Header, dsd: Dsd) -> Any:
    """Our structures as sdmx1 has them."""
    encode = find_structure_format("ml21").encode
    assert encode
    wanted = ("Codelist", "ConceptScheme", "DataStructure", "Dataflow")
    artefacts = [entry for entry in test_structures if entry.type_name in wanted]
    body = b"".join(encode(header, artefacts, test_structures, EncodeOptions()))
    return sdmx.read_sdmx(io.BytesIO(body)).dataflow[dsd.urn.id]


def write(name: str, header: Header, dsd: Dsd, rows: list[dict[str, Any]], **options: Any) -> bytes:
    batches = list(batches_from_rows(dsd, rows))
    preamble = make_preamble(dsd, batches)
    data = PreparedDataset(
        dsd, preamble, in_key_order(dsd, batches, preamble), options.pop("action", Action.REPLACE)
    )
    encode = find_data_format(name).encode
    assert encode
    options = {"component_ids": COLUMNS} | options
    return b"".join(encode(header, [data], EncodeOptions(**options)))


@pytest.mark.parametrize("labels", ["id", "name"])
@pytest.mark.parametrize("action", [Action.REPLACE, Action.APPEND, Action.INFORMATION])
def test_the_observations_are_the_same(
    flow: Any, header: Header, dsd: Dsd, rows: list[dict[str, Any]], labels: str, action: Action
) -> None:
    rows = [row for row in rows if "\n" not in row.get("NOTE", "")]
    rows[0]["NOTE"] = 'a "quoted", text; ສ 😀'
    body = write("csv20", header, dsd, rows, labels=labels, action=action)
    message = Reader().convert(io.BytesIO(body), structure=flow)
    (dataset,) = message.data
    assert dataset.action.name == action.value.lower()
    found = [
        {key.id: key.value for key in observation.dimension.values.values()}
        | {"OBS_VALUE": observation.value}
        | {id: entry.value for id, entry in observation.attached_attribute.items()}
        for observation in dataset.obs
    ]
    ids = (*dsd.key_ids, *COLUMNS)
    assert sorted(tuple(row.get(id) or "" for id in ids) for row in found) == sorted(
        tuple(row.get(id) or "" for id in ids) for row in rows
    )


@pytest.mark.parametrize(("name", "error"), [("csv", AssertionError), ("csv10", ValueError)])
def test_other_versions_it_does_not_read(
    flow: Any,
    header: Header,
    dsd: Dsd,
    rows: list[dict[str, Any]],
    name: str,
    error: type[Exception],
) -> None:
    """Of 2.1 it does not know the action Merge; 1.0 has no STRUCTURE."""
    body = write(name, header, dsd, rows[:1], action=Action.MERGE)
    with pytest.raises(error):
        Reader().convert(io.BytesIO(body), structure=flow)
