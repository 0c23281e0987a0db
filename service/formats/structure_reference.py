"""References in structure messages: URNs, and the `Ref` elements of SDMX-ML 2.1. SDMXCommonReferences.xsd."""

from __future__ import annotations

from collections.abc import Mapping

from codelists.urn import Urn, UrnSyntaxError, parse_urn
from service.formats.class_names import class_from_21, class_in_21
from service.formats.sdmx_ml21 import attribute_text
from service.formats.structure_losses import Writing

_NEWER = frozenset(
    ("GeographicCodelist", "HierarchyAssociation", "ValueList", "AvailabilityConstraint")
)
"""Classes that SDMX 2.1 does not have at all."""
_IN_CONTAINER = frozenset(("HierarchicalCode", "Level", "Transition"))
"""Classes whose id path starts with the id of what contains them."""
_FIXED_VERSIONS = "1.0"


def reference_21(text: str, writing: Writing) -> Urn | None:
    """Return the reference as SDMX 2.1 has it: its class, and the exact version; None where it has none.

    A wildcard becomes the version that it stands for now.
    """
    try:
        urn = parse_urn(text)
    except UrnSyntaxError:
        writing.lose(f"the reference {text}")
        return None
    if urn.type in _NEWER:
        writing.lose(f"a {urn.type}, as in {text}")
        return None
    if "+" in urn.version:
        found = writing.structures.find(urn)
        if found is None:
            writing.lose(
                f"version wildcards, and {text} names nothing that is known here: the reference"
            )
            return None
        writing.remark(
            f"{text} is written with the version that it stands for now, {found.version}"
        )
        urn = urn._replace(version=found.version)
    return urn._replace(type=class_in_21(urn.type))


def urn_for(text: str, writing: Writing) -> str | None:
    """Return the URN of a reference as the form has it, None where it cannot."""
    if not writing.form.is_sdmx21:
        return text
    urn = reference_21(text, writing)
    return None if urn is None else str(urn)


def ref_element(urn: Urn) -> str:
    """Return the `Ref` element of a reference."""
    names: dict[str, str | None] = {"agencyID": urn.agency}
    if urn.item is None:
        names |= {"id": urn.id, "version": urn.version}
    else:
        container, _, id = urn.item.rpartition(".")
        inside = urn.type in _IN_CONTAINER and container
        names |= {
            "maintainableParentID": urn.id,
            "maintainableParentVersion": urn.version,
            "containerID": container if inside else None,
            "id": id if inside else urn.item,
        }
    package = str(urn).removeprefix("urn:sdmx:org.sdmx.infomodel.").partition(".")[0]
    names |= {"package": package, "class": urn.type}
    written = "".join(
        f' {name}="{attribute_text(value)}"' for name, value in names.items() if value is not None
    )
    return f"<Ref{written}/>"


def read_ref(attributes: Mapping[str, str], default_class: str | None) -> str:
    """Return the URN that the attributes of a `Ref` say.

    Raises:
        ValueError: they do not say enough.
    """
    name = attributes.get("class", default_class)
    if name is None:
        raise ValueError("the Ref has no class")
    missing = [needed for needed in ("agencyID", "id") if needed not in attributes]
    if missing:
        raise ValueError(f"the Ref has no {' and no '.join(missing)}")
    name = class_from_21(name)
    parent = attributes.get("maintainableParentID")
    if parent is None:
        version = attributes.get("version", _FIXED_VERSIONS)
        return str(Urn(name, attributes["agencyID"], attributes["id"], version))
    version = attributes.get("maintainableParentVersion", _FIXED_VERSIONS)
    container = attributes.get("containerID")
    path = f"{container}.{attributes['id']}" if container else attributes["id"]
    return str(Urn(name, attributes["agencyID"], parent, version, path))
