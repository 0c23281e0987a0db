"""Registration queries: where the data of agreements are to be had. SDMX-REST 2.2.2, doc/registration.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from service.query.data_query import Presentation, presentation
from service.query.errors import QuerySyntaxError, allowed
from service.query.parameters import Parameters, identifiers, read_parameters, segments
from service.query.versions import ALL_VERSIONS, VersionQuery, parse_version_query


class RegistrationBy(StrEnum):
    """What names the registrations."""

    ID = "id"
    PROVIDER = "provider"
    CONTEXT = "context"
    """Artefacts that the agreement of a registration is, or is on."""


CONTEXTS = ("datastructure", "dataflow", "provisionagreement")
_SHARED = ("format", "formatVersion", "lang", "compression")
REGISTRATION_PARAMETERS = {
    RegistrationBy.ID: _SHARED,
    RegistrationBy.PROVIDER: ("updatedAfter", "updatedBefore", *_SHARED),
    RegistrationBy.CONTEXT: ("updatedAfter", "updatedBefore", *_SHARED),
}
REGISTRATION_PATHS = {
    RegistrationBy.ID: ("registrationID",),
    RegistrationBy.PROVIDER: ("agencyID", "providerID"),
    RegistrationBy.CONTEXT: ("context", "agencyID", "resourceID", "version"),
}
"""The parts of each path; the words `id` and `provider` stand before the first two."""


@dataclass(frozen=True)
class RegistrationQuery:
    """A registration query. Empty tuples ask for all."""

    by: RegistrationBy
    contexts: tuple[str, ...] = ()
    """Kinds of artefacts that are named."""
    agencies: tuple[str, ...] = ()
    """Of the artefacts, or of the schemes of the providers."""
    ids: tuple[str, ...] = ()
    """Of registrations, providers or artefacts."""
    version: VersionQuery = ALL_VERSIONS
    updated_after: datetime | None = None
    """Exclusive, as is `updated_before`."""
    updated_before: datetime | None = None
    presentation: Presentation = field(default_factory=Presentation)


def parse_registration_query(path: str, raw_query: str) -> RegistrationQuery:
    """Return a registration query of SDMX-REST 2.2.

    Args:
        path: what stands after `/registration/`, still percent-encoded: `id/{registrationID}`,
            `provider/{agencyID}/{providerID}` or `{context}/{agencyID}/{resourceID}/{version}`.
        raw_query: what stands after the `?`, not decoded.

    Raises:
        QuerySyntaxError: it breaks the grammar.

    >>> parse_registration_query("provider/IMF/UK1,UK2", "").ids
    ('UK1', 'UK2')
    """
    word = path.partition("/")[0]
    by = RegistrationBy(word) if word in ("id", "provider") else RegistrationBy.CONTEXT
    names = REGISTRATION_PATHS[by]
    parts = segments(path, names if by is RegistrationBy.CONTEXT else (word, *names))
    if by is RegistrationBy.ID and "registrationID" not in parts:
        raise QuerySyntaxError("registration/id: name the registration, as in registration/id/ID")
    parameters = read_parameters(
        raw_query,
        REGISTRATION_PARAMETERS[by],
        {
            "asOf": "registrations are those of now",
            "detail": "registrations are complete",
            "references": "ask /structure for artefacts",
        },
        components=False,
    )
    after, before = _bounds(parameters)
    id = next(name for name in names if name.endswith("ID") and name != "agencyID")
    return RegistrationQuery(
        by,
        _contexts(parts.get("context", "*")),
        identifiers(parts.get("agencyID", "*"), "agency", ",", "agencyID"),
        identifiers(parts.get(id, "*"), "id", ",", id),
        parse_version_query(parts.get("version", "*")),
        after,
        before,
        presentation(parameters),
    )


def _bounds(parameters: Parameters) -> tuple[datetime | None, datetime | None]:
    after, before = parameters.instant("updatedAfter"), parameters.instant("updatedBefore")
    if after is not None and before is not None and after >= before:
        raise QuerySyntaxError(
            f"updatedAfter={parameters.text('updatedAfter')} is not before "
            f"updatedBefore={parameters.text('updatedBefore')}; nothing can lie between"
        )
    return after, before


def _contexts(text: str) -> tuple[str, ...]:
    found = text.split(",")
    for entry in found:
        if entry not in (*CONTEXTS, "*"):
            known = ("id", "provider", *CONTEXTS, "*")
            raise QuerySyntaxError(
                f"registration/{text}: {entry!r} is none; {allowed(entry, known)}"
            )
    return () if "*" in found else tuple(dict.fromkeys(found))
