"""A structure query to its answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from codelists.base import Maintainable
from dsd.finding import Report, Severity
from service.answers.answer import Answer, Sources, Wanted, answer_tag
from service.answers.errors import NoResultsError
from service.answers.spool import Body
from service.answers.unknown import unknown_artefact
from service.formats.contract import Header, NotExpressibleError, StructureFormat
from service.query.canonical import canonical
from service.query.grammar import Grammar
from service.query.structure_query import (
    References,
    StructureDetail,
    StructureQuery,
    resource_of_v1,
)
from service.query.versions import ALL_VERSIONS
from service.registry.registry import Registry
from service.registry.search import search


def answer_structures(
    sources: Sources,
    query: StructureQuery,
    wanted: Wanted[StructureFormat],
    entry_point: str = "",
) -> Answer:
    """Return the answer, complete; stubs say where they are to be had in full under the entry point.

    Raises:
        NoResultsError: nothing matches.
        UnknownResourceError: the query names one artefact, which is not there.
        NotExpressibleError: the format cannot write the answer.
    """
    if query.as_of is not None:
        sources = sources.at(query.as_of)
    tag = answer_tag(
        (
            sources.registry.content_hash,
            query.grammar,
            canonical(query),
            wanted.content_type,
            wanted.options,
            entry_point if "stubs" in query.detail else "",
        ),
        wanted.coding,
    )
    if wanted.has(tag):
        return _answer(query, wanted, tag, None)
    found = search(sources.registry, query, AddressOf(query.grammar, entry_point))
    if not found:
        raise _nothing(sources.registry, query, AddressOf(query.grammar, entry_point))
    header = Header(id=f"ILMS{tag[:16].upper()}", prepared=sources.settings.clock())
    writer = _Writer(sources, wanted, header)
    left_out: tuple[str, ...] = ()
    try:
        chunks, languages = writer.write(found)
    except NotExpressibleError:
        if len(found) == 1:
            raise
        chunks, languages, left_out = writer.write_what_can_be(found)
    body = sources.spool.fill(chunks, wanted.coding)
    return _answer(query, wanted, tag, body, languages, left_out)


@dataclass(frozen=True)
class _Writer:
    """Writes artefacts as the client wants them."""

    sources: Sources
    wanted: Wanted[StructureFormat]
    header: Header

    def write(
        self,
        found: Sequence[Maintainable],
        left_out: tuple[str, ...] = (),
        report: Report | None = None,
    ) -> tuple[Iterable[bytes], tuple[str, ...]]:
        """Return the message and the languages of its texts.

        Raises:
            NotExpressibleError: the format cannot write it, and no report takes what is left out.
        """
        wished = self.wanted.options.languages
        languages = self.sources.registry.content_languages(found, wished)
        return self._encode(found, languages, left_out, report), languages

    def _encode(
        self,
        found: Sequence[Maintainable],
        languages: tuple[str, ...],
        left_out: tuple[str, ...],
        report: Report | None,
    ) -> Iterable[bytes]:
        encode = self.wanted.format.encode
        if encode is None:
            raise NotExpressibleError(f"{self.wanted.format.media_type} can only be read")
        options = replace(
            self.wanted.options, content_languages=languages, left_out=left_out, report=report
        )
        return encode(self.header, found, self.sources.registry.structures, options)

    def write_what_can_be(
        self, found: Sequence[Maintainable]
    ) -> tuple[Iterable[bytes], tuple[str, ...], tuple[str, ...]]:
        """Return the message of what the format has of several artefacts, its languages, and what is left out.

        One structure of a newer version of SDMX is no reason for having no list of the others.

        Raises:
            NotExpressibleError: the format has nothing of any of them.
        """
        report = Report()
        self.write(found, report=report)
        lost = (entry for entry in report.findings if entry.severity is Severity.WARNING)
        left_out = tuple(dict.fromkeys(entry.message for entry in lost))
        nothing = self._size(())
        kept = [artefact for artefact in found if self._size((artefact,)) > nothing]
        if not kept:
            raise NotExpressibleError(left_out[0])
        return *self.write(kept, left_out, Report()), left_out

    def _size(self, found: Sequence[Maintainable]) -> int:
        return sum(map(len, self._encode(found, (), (), Report())))


@dataclass(frozen=True)
class AddressOf:
    """Says where artefacts are to be had on an API line."""

    grammar: Grammar
    entry_point: str

    def __call__(self, artefact: Maintainable) -> str:
        """Return the URL of an artefact."""
        resource = artefact.artefact_type.resource
        if self.grammar is Grammar.V1:
            resource = resource_of_v1(resource)
        else:
            resource = f"structure/{resource}"
        return (
            f"{self.entry_point}/{resource}/{artefact.agency_id}/{artefact.id}/{artefact.version}"
        )


def _nothing(registry: Registry, query: StructureQuery, address: AddressOf) -> Exception:
    if len(query.ids) != 1:
        return NoResultsError(f"no {query.resource} matches the query")
    all_of_type = replace(
        query,
        agencies=(),
        ids=(),
        version=ALL_VERSIONS,
        items=(),
        references=(References.NONE,),
        detail=StructureDetail.RAW,
    )
    return unknown_artefact(
        query.resource,
        search(registry, all_of_type, address),
        query.agencies,
        query.ids[0],
        query.version,
        query.items,
    )


def _answer(
    query: StructureQuery,
    wanted: Wanted[StructureFormat],
    tag: str,
    body: Body | None,
    content_languages: tuple[str, ...] = (),
    left_out: tuple[str, ...] = (),
) -> Answer:
    name = query.ids[0] if len(query.ids) == 1 else "structures"
    return Answer(
        tag=tag,
        content_type=wanted.content_type,
        coding=wanted.coding,
        languages=wanted.options.languages,
        content_languages=content_languages,
        left_out=left_out,
        file_name=f"{name}{wanted.format.extension}",
        body=body,
        # The header holds the instant at which a message is made, so equal answers differ in bytes.
        is_exact=False,
    )
