"""Artefacts without their content.

SDMX-REST 1.5.0, 4_4_structure_queries.md, and 2.2.2, doc/structures.md, "detail".
"""

from __future__ import annotations

from collections.abc import Callable

from codelists.base import Link, Maintainable

Address = Callable[[Maintainable], str]
"""An artefact -> where it is to be had in full."""

_STUB_MEMBERS = ("id", "uri", "agency_id", "version", "is_final", "name", "names", "valid_from", "valid_to")  # fmt: skip
_COMPLETE_MEMBERS = (*_STUB_MEMBERS, "annotations", "description", "descriptions")


def stub(artefact: Maintainable, complete: bool, address: Address) -> Maintainable:
    """Return an artefact without its content: identity and names; `complete` keeps notes and descriptions.

    It is marked as an external reference, so that nobody takes it for an artefact that has no content, and
    says where that is; an artefact that is itself kept as a reference says where it came from.
    """
    members = _COMPLETE_MEMBERS if complete else _STUB_MEMBERS
    links: tuple[Link, ...] = (Link(rel="self", href=address(artefact), urn=str(artefact.urn)),)
    if artefact.is_external_reference and artefact.links:
        links = artefact.links
    return type(artefact)(
        **{name: getattr(artefact, name) for name in members},
        links=links,
        is_external_reference=True,
    )
