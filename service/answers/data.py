"""A data query to its answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from dsd.dataset import NOTHING_SAID, Action, PreparedDataset, SetAttributes
from dsd.resolved import Dsd
from dsd.spool import Spool
from service.answers.answer import Answer, Page, Sources, Wanted, answer_tag
from service.answers.errors import NoResultsError, PageBehindEndError, ResponseTooLargeError
from service.answers.resolution import Target, resolve
from service.answers.spool import Body
from service.formats.contract import DataFormat, EncodeOptions, Header, NotExpressibleError
from service.formats.fitting import fitted
from service.formats.levels import dimensions_of
from service.query.binding import bind, dimension_at_observation
from service.query.canonical import canonical
from service.query.data_query import DataQuery
from service.query.errors import QuerySyntaxError, SemanticError
from service.query.grammar import Grammar
from service.query.selection import Order, Selection
from service.query.source import Revision, Snapshot


def answer_data(
    sources: Sources, query: DataQuery, wanted: Wanted[DataFormat], page: Page | None = None
) -> Answer:
    """Return the answer, complete: a dataset for each artefact that the query names and that has data that match.

    Args:
        sources: where answers come from.
        query: without offset and limit where there is a page.
        wanted: how the client wants it.
        page: the observations wanted of all; the answer says then how many these are.

    Raises:
        NoResultsError: nothing matches.
        UnknownResourceError: the query names one artefact, which is not there.
        SemanticError: it asks for something that the structure does not have.
        PageBehindEndError: the page begins behind the last observation.
        ResponseTooLargeError: more observations (or series, where these alone are asked for) match than one answer may hold.
        NotExpressibleError: the format cannot write the answer.
        StoreError: the store cannot be read.
    """
    if page is not None:
        query = replace(query, offset=page.first, limit=page.last - page.first + 1)
    targets = resolve(sources.registry, query)
    question = _Question(sources, query, wanted, tuple(targets))
    revisions = sources.store.revisions([target.dataflow for target in targets])
    if wanted.has(question.tag(revisions)):
        return question.answer(revisions, None)
    # Beside others, a dataflow that never had data says nothing.
    filled = [t for t, revision in zip(targets, revisions, strict=True) if revision.number]
    moment = max((revision.at for revision in revisions if revision.at), default=None)
    found = question.found(filled or targets[:1], moment)
    if len(found) > 1 or page is not None:
        # What is read at different times is read as it was at one.
        found = [part.as_of(moment) for part in found]
    total = None if page is None else sum(map(question.rows, found))
    if page is not None and total and page.first >= total:
        raise PageBehindEndError(total)
    parts = question.windowed(found)
    _check_size(sources, query.grammar, [part.selection for part in parts], moment)
    return replace(question.encoded(parts, revisions), total=total)


# How to ask for less, in the words of each API line.
_NARROWER = {
    Grammar.V1: "narrow the key, or the periods by startPeriod and endPeriod, ask for the latest by lastNObservations=1, or in "
    "parts by the header Range: values=0-{last}",
    Grammar.V2: "narrow the key, or the periods by c[TIME_PERIOD]=ge:2020, ask for the latest by lastNObservations=1, or in "
    "parts by limit={limit}&offset=0 or the header Range: values=0-{last}",
}


def _check_size(
    sources: Sources, grammar: Grammar, selections: Sequence[Selection], moment: datetime | None
) -> None:
    limit = sources.settings.max_response_observations
    # A whole dataflow is counted without reading; only where these have too many must their parts be counted.
    if all(entry.as_of in (None, moment) and not entry.gone for entry in selections):
        flows = (Selection(entry.dsd, as_of=entry.as_of) for entry in selections)
        if sum(map(sources.store.count, flows)) <= limit:
            return
    rows = sum(map(sources.store.count, selections))
    if rows > limit:
        series_only = any(selection.series_only for selection in selections)
        hint = _NARROWER[grammar].format(limit=limit, last=limit - 1)
        raise ResponseTooLargeError(
            f"{rows} {'series' if series_only else 'observations'} match and one answer may hold {limit}; {hint}"
        )


@dataclass(frozen=True)
class Part:
    """What becomes one dataset of the answer."""

    target: Target
    selection: Selection
    said: SetAttributes = NOTHING_SAID

    @property
    def action(self) -> Action:
        """What the dataset asks of who takes it over."""
        if self.selection.gone:
            return Action.DELETE
        return Action.REPLACE if self.selection.component_ids is None else Action.MERGE

    def as_of(self, moment: datetime | None) -> Part:
        """Return the same of the state at a moment, unless it is of an earlier one."""
        asked = self.selection.as_of
        if moment is None or (asked is not None and asked <= moment):
            return self
        return replace(self, selection=replace(self.selection, as_of=moment))

    @property
    def is_change(self) -> bool:
        """True where values above the observation alone are worth telling."""
        return self.selection.since is not None


@dataclass(frozen=True)
class _Question:
    """A query with everything that decides its answer."""

    sources: Sources
    query: DataQuery
    wanted: Wanted[DataFormat]
    targets: tuple[Target, ...]

    def found(self, targets: Sequence[Target], moment: datetime | None) -> list[Part]:
        """Return what to read of each target; nothing of its history that is later than a moment.

        Of several, those count to which the query applies: a wildcard means dataflows of any structure.

        Raises:
            QuerySyntaxError, SemanticError, NoResultsError: it applies to none of them; the reason is that of the first.
        """
        found: list[Part] = []
        reasons: list[Exception] = []
        for target in targets:
            try:
                selection = self._selection(target)
            except (QuerySyntaxError, SemanticError, NoResultsError) as error:
                reasons.append(error)
            else:
                found += self._disseminations(target, selection, moment)
        if not found:
            raise reasons[0] if reasons else NoResultsError("nothing was disseminated in that time")
        return found

    def _selection(self, target: Target) -> Selection:
        # Providers are resolved to what they have agreed to report, before the binding.
        bound = bind(replace(self.query, providers=()), target.read)
        if bound.order and not self.wanted.format.capabilities.free_rows:
            asked = self.query.dimension_at_observation
            at_observation = dimension_at_observation(asked, target.read)
            bound = replace(bound, layout=_series_together(bound, at_observation))
        return target.within_regions(bound)

    def _disseminations(
        self, target: Target, selection: Selection, moment: datetime | None
    ) -> Iterator[Part]:
        """Yield what is told of one dataflow: its state, what has changed in it, or each change of its history.

        SDMX-REST 1.5.0, 4.4, "updatedAfter", "includeHistory" with its example; 2.2.2, doc/data.md.
        """
        if not self.query.include_history:
            yield Part(target, selection)
            yield from _gone(Part(target, selection))
            return
        first = self.query.updated_after
        last = min(filter(None, (self.query.as_of, moment)), default=None)
        before: datetime | None = None
        for revision in reversed(self.sources.store.history(target.dataflow)):
            at = revision.at
            if at is None or (last is not None and at > last):
                break
            if first is None or at > first:
                instant = at.isoformat()
                change = replace(selection, as_of=at, since=before)
                yield Part(target, change, SetAttributes(valid_from=instant))
                yield from _gone(Part(target, change, SetAttributes(valid_to=instant)))
            before = at

    def rows(self, part: Part) -> int:
        """Return how many observations (or series, where these alone are asked for) a part has before offset and limit."""
        return self.sources.store.count(replace(part.selection, offset=0, limit=None))

    def windowed(self, parts: Sequence[Part]) -> list[Part]:
        """Return the parts that the offset and limit of the whole answer leave, each with its own."""
        skip, left = self.query.offset, self.query.limit
        if len(parts) == 1 or (not skip and left is None):
            return list(parts)
        found = []
        for part in parts:
            rows = self.rows(part)
            offset = min(skip, rows)
            skip -= offset
            taken = rows - offset if left is None else min(left, rows - offset)
            if left is not None:
                left -= taken
            if taken:
                window = replace(part.selection, offset=offset, limit=taken)
                found.append(replace(part, selection=window))
        if not found:
            raise NoResultsError("no observation is left after offset")
        return found

    def tag(self, revisions: Sequence[Revision]) -> str:
        """Return the tag of the answer at these revisions of the data."""
        names = [target.name for target in self.targets]
        return answer_tag(
            (
                list(zip(names, revisions, strict=True)),
                self.sources.registry.content_hash,
                canonical(self.query),
                self.wanted.content_type,
                self.wanted.options,
            ),
            self.wanted.coding,
        )

    def encoded(self, parts: Sequence[Part], revisions: Sequence[Revision]) -> Answer:
        """Return the answer with its body, each dataset made from one snapshot.

        `revisions` are those of the targets before anything was read: a tag may be older than what it stands for, so
        that the client asks once more than it must, never newer.
        """
        with ExitStack() as stack:
            read = [
                (part, stack.enter_context(self._snapshot(part.selection, len(parts))))
                for part in parts
            ]
            known = {
                part.target.dataflow: snapshot.revision
                for part, snapshot in read
                if part.selection.as_of is None
            }
            revisions = [
                known.get(target.dataflow, revision)
                for target, revision in zip(self.targets, revisions, strict=True)
            ]
            filled = [
                (part, snapshot)
                for part, snapshot in read
                if snapshot.preamble.observations
                or (part.is_change and snapshot.preamble.attributes)
            ]
            if not filled:
                raise NoResultsError("no observation matches the query")
            return self._message(filled, revisions)

    @contextmanager
    def _snapshot(self, selection: Selection, parts: int) -> Iterator[Snapshot]:
        """Open a snapshot; one of several is kept aside, so that it holds no place in the store's engine."""
        if parts == 1:
            with self.sources.store.read(selection) as snapshot:
                yield snapshot
            return
        with Spool(self.sources.settings.temporary_folder) as spool:
            with self.sources.store.read(selection) as snapshot:
                spool.fill(snapshot.batches)
            yield replace(snapshot, batches=iter(spool))

    def _message(
        self, read: Sequence[tuple[Part, Snapshot]], revisions: Sequence[Revision]
    ) -> Answer:
        encode = self.wanted.format.encode
        if encode is None:
            raise NotExpressibleError(f"{self.wanted.format.media_type} can only be read")
        instants = [snapshot.revision.at for _, snapshot in read if snapshot.revision.at]
        header = Header(
            id=f"ILMS{self.tag(revisions)[:16].upper()}",
            # The instant of the data, not of the request: equal tags mean equal bytes (RFC 9110, 8.8.1).
            prepared=max(instants, default=None) or self.sources.settings.clock(),
        )
        options = self._options([part for part, _ in read])
        datasets = [
            fitted(
                PreparedDataset(
                    part.target.written,
                    snapshot.preamble,
                    snapshot.batches,
                    part.action,
                    part.said,
                ),
                self.wanted.format.capabilities,
                options.languages,
            )
            for part, snapshot in read
        ]
        chunks = encode(header, datasets, options)
        return self.answer(revisions, self.sources.spool.fill(chunks, self.wanted.coding))

    def _options(self, parts: Sequence[Part]) -> EncodeOptions:
        """Return how the message is written: what holds for it as a whole."""
        first = parts[0]
        if len({part.selection.series_only for part in parts}) > 1:
            raise NotExpressibleError(
                "one message holds series alone or observations, and dataflows without a time dimension have observations "
                "only: ask for these dataflows one by one"
            )
        chosen = [part.selection.component_ids for part in parts]
        ids = None
        if None not in chosen:
            ids = tuple(dict.fromkeys(id for found in chosen for id in found or ()))
        return replace(
            self.wanted.options,
            dimension_at_observation=dimension_at_observation(
                self.query.dimension_at_observation, first.target.written
            ),
            component_ids=ids,
            series_only=first.selection.series_only,
        )

    def answer(self, revisions: Sequence[Revision], body: Body | None) -> Answer:
        """Return the answer at these revisions; without a body it says that the client's copy is current."""
        name = self.targets[0].name.id if len(self.targets) == 1 else "data"
        return Answer(
            tag=self.tag(revisions),
            content_type=self.wanted.content_type,
            coding=self.wanted.coding,
            languages=self.wanted.options.languages,
            file_name=f"{name}{self.wanted.format.extension}",
            body=body,
            last_modified=max((r.at for r in revisions if r.at is not None), default=None),
        )


def _gone(changed: Part) -> Iterator[Part]:
    """Yield what is to be deleted beside what has changed since an instant; there is nothing before the first."""
    selection = changed.selection
    if selection.since is None or selection.series_only:
        return
    # Of whole observations what is left to say is their key; values above them go by themselves.
    dsd, wanted = selection.dsd, selection.component_ids
    above = [
        attribute.id
        for attribute in dsd.attributes
        if dimensions_of(dsd, attribute) is not None and (wanted is None or attribute.id in wanted)
    ]
    ids = (*dsd.key_ids, *above)
    gone = replace(selection, gone=True, component_ids=ids, first_n=None, last_n=None)
    yield replace(changed, selection=gone)


def _series_together(selection: Selection, at_observation: str) -> tuple[Order, ...]:
    """Return the order in which the rows of a series follow each other, as a layout by series needs them.

    Series are sorted by what is asked of their dimensions and of attributes above their observations, the observations
    of each by all the rest.
    """
    dsd = selection.dsd
    if at_observation not in dsd.key_ids:
        return ()
    series = [id for id in dsd.key_ids if id != at_observation]
    asked = {entry.component for entry in selection.order}
    outer = {id for id in asked if _is_of_series(dsd, id, series)}
    first = [entry for entry in selection.order if entry.component in outer]
    rest = [Order(id) for id in series if id not in asked]
    inner = [entry for entry in selection.order if entry.component not in outer]
    return (*first, *rest, *inner)


def _is_of_series(dsd: Dsd, id: str, series: Sequence[str]) -> bool:
    """Tell whether a component has one value in each series."""
    if id in dsd.key_ids:
        return id in series
    depends_on = dimensions_of(dsd, dsd[id])
    return depends_on is not None and set(depends_on) <= set(series)
