"""A data query to its answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dsd.dataset import Action, PreparedDataset
from service.answers.answer import Answer, Sources, Wanted, answer_tag
from service.answers.errors import NoResultsError, ResponseTooLargeError
from service.answers.resolution import Target, resolve
from service.answers.spool import Body
from service.formats.contract import DataFormat, EncodeOptions, Header
from service.formats.fitting import fitted
from service.query.binding import bind, dimension_at_observation
from service.query.canonical import canonical
from service.query.data_query import DataQuery
from service.query.errors import NotSupportedError
from service.query.selection import Selection
from service.query.source import Revision, Snapshot


def answer_data(sources: Sources, query: DataQuery, wanted: Wanted[DataFormat]) -> Answer:
    """Return the answer, complete.

    Raises:
        NoResultsError: nothing matches.
        UnknownResourceError: the query names one artefact, which is not there.
        SemanticError: it asks for something that the structure does not have.
        NotSupportedError: it matches several dataflows that hold data.
        ResponseTooLargeError: more observations (or series, where these alone are asked for) match than one answer may hold.
        NotExpressibleError: the format cannot write the answer.
        StoreError: the store cannot be read.
    """
    question = _Question(sources, query, wanted, _only_target(sources, query))
    selection = question.selection()
    revision = sources.store.revision(question.target.dataflow)
    if wanted.has(question.tag(revision)):
        return question.answer(revision, None)
    _check_size(sources, selection)
    with sources.store.read(selection) as snapshot:
        return question.encoded(selection, snapshot)


def _only_target(sources: Sources, query: DataQuery) -> Target:
    targets = resolve(sources.registry, query)
    if len(targets) > 1:
        targets = [t for t in targets if sources.store.revision(t.dataflow).number] or targets[:1]
    if len(targets) > 1:
        names = ", ".join(target.name.short for target in targets)
        raise NotSupportedError(f"one answer holds one dataset; ask for one of {names}")
    return targets[0]


def _check_size(sources: Sources, selection: Selection) -> None:
    limit = sources.settings.max_response_observations
    # A whole dataflow is counted without reading; only where it has too many must its part be counted.
    if selection.as_of is None and sources.store.count(Selection(selection.dsd)) <= limit:
        return
    rows = sources.store.count(selection)
    if rows > limit:
        raise ResponseTooLargeError(
            f"{rows} {'series' if selection.series_only else 'observations'} match and one answer may hold {limit}; "
            "narrow the key or the periods, or ask in parts with limit and offset"
        )


@dataclass(frozen=True)
class _Question:
    """A query with everything that decides its answer."""

    sources: Sources
    query: DataQuery
    wanted: Wanted[DataFormat]
    target: Target

    def selection(self) -> Selection:
        """Return what to read."""
        # Providers are resolved to what they have agreed to report, before the binding.
        bound = bind(replace(self.query, providers=()), self.target.read)
        return self.target.within_regions(bound)

    def tag(self, revision: Revision) -> str:
        """Return the tag of the answer at a revision of the data."""
        return answer_tag(
            (
                self.target.name,
                revision,
                self.sources.registry.content_hash,
                canonical(self.query),
                self.wanted.content_type,
                self.wanted.options,
            ),
            self.wanted.coding,
        )

    def encoded(self, selection: Selection, snapshot: Snapshot) -> Answer:
        """Return the answer with its body, made from one snapshot."""
        if snapshot.preamble.observations == 0:
            raise NoResultsError("no observation matches the query")
        encode = self.wanted.format.encode
        if encode is None:
            raise NotSupportedError(f"{self.wanted.format.media_type} can only be read")
        tag = self.tag(snapshot.revision)
        header = Header(
            id=f"ILMS{tag[:16].upper()}",
            # The instant of the data, not of the request: equal tags mean equal bytes (RFC 9110, 8.8.1).
            prepared=snapshot.revision.at or self.sources.settings.clock(),
        )
        dataset = PreparedDataset(
            self.target.written,
            snapshot.preamble,
            snapshot.batches,
            Action.REPLACE if selection.component_ids is None else Action.MERGE,
        )
        options = self._options(selection)
        dataset = fitted(dataset, self.wanted.format.capabilities, options.languages)
        chunks = encode(header, [dataset], options)
        return self.answer(snapshot.revision, self.sources.spool.fill(chunks, self.wanted.coding))

    def _options(self, selection: Selection) -> EncodeOptions:
        return replace(
            self.wanted.options,
            dimension_at_observation=dimension_at_observation(self.query, self.target.written),
            component_ids=selection.component_ids,
            series_only=selection.series_only,
        )

    def answer(self, revision: Revision, body: Body | None) -> Answer:
        """Return the answer at a revision; without a body it says that the client's copy is current."""
        return Answer(
            tag=self.tag(revision),
            content_type=self.wanted.content_type,
            coding=self.wanted.coding,
            languages=self.wanted.options.languages,
            file_name=f"{self.target.name.id}{self.wanted.format.extension}",
            body=body,
            last_modified=revision.at,
        )
