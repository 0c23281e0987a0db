"""How much of each artefact an answer holds: in full, as a stub, or reduced to what is used.

SDMX-REST 1.5.0, 4_4_structure_queries.md, and 2.2.2, doc/structures.md, "detail".
"""

from __future__ import annotations

from codelists.base import Maintainable

_STUB_MEMBERS = ("id", "agency_id", "version", "name", "names", "valid_from", "valid_to")
_COMPLETE_MEMBERS = (*_STUB_MEMBERS, "annotations", "description", "descriptions")


def stub(artefact: Maintainable, complete: bool) -> Maintainable:
    """Return an artefact without its content: identity and names; `complete` keeps notes and descriptions.

    It is marked as an external reference, so that nobody takes it for an artefact that has no content.
    """
    members = _COMPLETE_MEMBERS if complete else _STUB_MEMBERS
    return type(artefact)(
        **{name: getattr(artefact, name) for name in members}, is_external_reference=True
    )
