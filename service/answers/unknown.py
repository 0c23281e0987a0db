"""What to say of an artefact that a query names and that is not there: where it nearly is.

SDMX-REST has no word for it; a person or a program that reads the text should not have to ask again to mend the query.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from codelists.base import Maintainable
from service.answers.errors import UnknownResourceError
from service.query.errors import closest
from service.query.versions import VersionQuery
from service.registry.item_query import ids_within

_MOST_NAMED = 5
_MOST_COMPARED = 1000
"""Ids that are compared in full; of more, those that begin alike."""


def unknown_artefact(
    resource: str,
    of_type: Sequence[Maintainable],
    agencies: Collection[str],
    id: str,
    version: VersionQuery,
    items: Collection[str] = (),
) -> UnknownResourceError:
    """Return the error of a query for one artefact, or items of it, that is not there.

    Args:
        resource: what the query calls artefacts of its type.
        of_type: all artefacts that it may mean.
        agencies: empty for all.
        id: of the artefact.
        version: which versions are asked for.
        items: ids of the items asked for.
    """
    named = (
        f"there is no {resource} {id} of {', '.join(agencies) or 'any agency'} "
        f"in version {version.canonical}"
    )
    if items:
        named += f" with {', '.join(items)}"
    return UnknownResourceError(
        f"{named}; {_where_it_nearly_is(of_type, resource, agencies, id, items)}"
    )


def _where_it_nearly_is(
    of_type: Sequence[Maintainable],
    resource: str,
    agencies: Collection[str],
    id: str,
    items: Collection[str],
) -> str:
    same_id = [artefact for artefact in of_type if artefact.id == id]
    here = [artefact for artefact in same_id if not agencies or artefact.agency_id in agencies]
    if here and not _ids_within(here).issuperset(items):
        return _nearest_items(here, items)
    if same_id:
        return f"there is {_listed(here or same_id)}"
    if (found := _near(id, {artefact.id for artefact in of_type})) is not None:
        return f"did you mean {_listed([entry for entry in of_type if entry.id == found])}?"
    return f"the structure query for {resource} lists all that there are"


def _nearest_items(schemes: list[Maintainable], items: Collection[str]) -> str:
    known = sorted(_ids_within(schemes))
    found = {near for item in items if (near := _near(item, known)) is not None}
    if found:
        return f"did you mean {', '.join(sorted(found))}?"
    return f"{_listed(schemes)} has {_first(known)}"


def _ids_within(schemes: Iterable[Maintainable]) -> set[str]:
    return {id for scheme in schemes for id in ids_within(scheme)}


def _near(word: str, known: Collection[str]) -> str | None:
    if len(known) <= _MOST_COMPARED:
        return closest(word, sorted(known))
    alike = (entry for entry in known if entry[:3].casefold() == word[:3].casefold())
    return closest(word, sorted(islice(alike, _MOST_COMPARED)))


def _listed(artefacts: Iterable[Maintainable]) -> str:
    return _first([artefact.urn.short for artefact in artefacts])


def _first(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
