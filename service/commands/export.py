"""`ilms export`: what the service would answer, as files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from service.commands.opened import opened_store
from service.commands.option import (
    config_option,
    options,
    settings_of,
    store_option,
    structures_of,
    structures_option,
)
from service.commands.progress import each
from service.commands.refusal import Refusal, refusing, say
from service.commands.target import replacing

if TYPE_CHECKING:
    from dsd.structure import Dataflow
    from dsd.structures import Structures
    from service.answers.answer import Answer, Sources
    from service.formats.contract import DataFormat, EncodeOptions
    from service.query.data_query import DataQuery, Presentation

_ALL = "all"
_DEFAULT_FORMAT = "csv"
# What a file ending says of the coding (RFC 9110, 8.4.1).
_CODINGS = {".gz": "gzip", ".zst": "zstd"}


@click.command()
@click.argument("dataflow")
@click.option(
    "--key", default="*", help="Part of the key, as in SDMX REST 2.2: IDN.* or IDN.*.*.SEX_F,PHL.*"
)
@click.option("--start", "start_period", help="First period, as 2015.")
@click.option("--end", "end_period", help="Last period.")
@click.option(
    "--query",
    "parameters",
    default="",
    help="More parameters, as in a URL of SDMX REST 2.2: 'c[SEX]=SEX_F&lastNObservations=1'.",
)
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    help="File to write (.gz or .zst behind its ending compresses it), with `all` a folder; standard output where not given.",
)
@click.option(
    "--format",
    "format_name",
    help="Format, where the file ending does not say: csv, json, ml21, ml21-generic.",
)
@click.option(
    "--labels", type=click.Choice(["id", "name", "both"]), default="id", help="Names in SDMX-CSV."
)
@options(store_option, config_option, structures_option)
def export(
    dataflow: str,
    key: str,
    start_period: str | None,
    end_period: str | None,
    parameters: str,
    target: Path | None,
    format_name: str | None,
    labels: str,
    store: Path | None,
    config: Path | None,
    places: tuple[str, ...],
) -> None:
    """Write what a store holds to files: one dataflow, or all.

    DATAFLOW is an id, AGENCY:ID(VERSION), or a table as T15; `all` writes one file for each dataflow that has
    data, all of one moment, into the folder of --output. A file is written whole or not at all.

    \b
    Example:
      ilms export T15 --key 'IDN.*' --start 2020 -o idn.csv --store var/store
      ilms export all --format json -o dump --store var/store
    """
    from service.answers.answer import Sources
    from service.answers.spool import Spool
    from service.registry.registries import Registries

    built_in = structures_of(places)
    # The guard on the size of an answer protects a service from its callers; a file may hold everything.
    settings = replace(
        settings_of(config, store_folder=store), max_response_observations=sys.maxsize
    )
    if dataflow == _ALL and target is None:
        raise click.UsageError("all dataflows become several files: name a folder with -o")
    asked = _parameters(parameters, start_period, end_period)
    data_format, coding = _format(format_name, None if dataflow == _ALL else target)
    with opened_store(settings) as opened:
        registry = Registries(built_in, opened.artefacts).current()
        flows = _flows(registry.structures, dataflow)
        sources = Sources(settings, registry, opened, Spool(settings.temporary_folder))
        exporting = _Export(sources, key, asked, data_format, coding, labels)
        if dataflow == _ALL and target is not None:
            exporting.all_to_folder(flows, target)
        else:
            exporting.one(flows[0], target)


def _parameters(parameters: str, start: str | None, end: str | None) -> str:
    """Return the parameters of the query, those of the periods among them."""
    found = [parameters] if parameters else []
    bounds = [f"{operator}:{period}" for operator, period in (("ge", start), ("le", end)) if period]
    if bounds:
        found.append("c[TIME_PERIOD]=" + "+".join(quote(bound, safe=":-") for bound in bounds))
    return "&".join(found)


def _format(name: str | None, target: Path | None) -> tuple[DataFormat, str]:
    """Return the format and the content coding that the options choose."""
    from service.answers.spool import IDENTITY
    from service.formats import UnknownFormatError, find_data_format

    suffixes = target.suffixes if target else []
    coding = IDENTITY
    if suffixes and suffixes[-1] in _CODINGS:
        coding = _CODINGS[suffixes.pop()]
    with refusing(UnknownFormatError):
        found = find_data_format(name or (suffixes[-1] if suffixes else _DEFAULT_FORMAT))
    if found.encode is None:
        raise Refusal(f"{found.name} can be read only; write csv, json or ml21")
    return found, coding


def _flows(structures: Structures, named: str) -> Sequence[Dataflow]:
    from converters.table import UnknownTableError, find_flow
    from dsd.structure import Dataflow

    if named == _ALL:
        return sorted(structures.of_type(Dataflow), key=lambda flow: flow.urn)
    with refusing(UnknownTableError):
        return [find_flow(structures, named)]


class _Export:
    """Answers to the same question for one dataflow after the other."""

    def __init__(
        self,
        sources: Sources,
        key: str,
        parameters: str,
        data_format: DataFormat,
        coding: str,
        labels: str,
    ) -> None:
        self._sources = sources
        self._key = key
        self._parameters = parameters
        self._format = data_format
        self._coding = coding
        self._labels = labels

    def one(self, flow: Dataflow, target: Path | None) -> None:
        """Write the answer to a file, or to standard output."""
        from service.answers.errors import NoResultsError

        try:
            answer = self._answer(flow, None)
        except NoResultsError as error:
            raise Refusal(f"{flow.urn.short}: {error}; nothing was written") from error
        if target is None:
            _send(answer)
        else:
            say(f"Wrote {target}: {_save(answer, target):,} bytes of {flow.urn.short}.")

    def all_to_folder(self, flows: Sequence[Dataflow], folder: Path) -> None:
        """Write a file for each dataflow that has data, as they were at one moment."""
        from service.answers.errors import NoResultsError

        revisions = {flow.urn: self._sources.store.revision(flow.urn) for flow in flows}
        filled = [flow for flow in flows if revisions[flow.urn].number]
        if not filled:
            raise Refusal("the store holds no data; nothing was written")
        newest = max(revision.at for revision in revisions.values() if revision.at is not None)
        empty = len(flows) - len(filled)
        written = []
        for flow in each(filled, "Exporting", lambda flow: flow.id):
            try:
                answer = self._answer(flow, None)
                if answer.last_modified != revisions[flow.urn].at:
                    # What was written since the first file is left for the next time.
                    _discard(answer)
                    answer = self._answer(flow, newest)
            except NoResultsError:
                empty += 1
                continue
            target = folder / f"{_name(flow, flows)}{self._format.extension}"
            written.append(f"Wrote {target}: {_save(answer, target):,} bytes.")
        for line in written:
            say(line)
        if empty:
            say(f"{empty} of {len(flows)} dataflows hold no data that were asked for.")

    def _answer(self, flow: Dataflow, as_of: datetime | None) -> Answer:
        from service.answers.answer import Wanted
        from service.answers.data import answer_data
        from service.formats.contract import NotExpressibleError
        from service.query.errors import QuerySyntaxError, SemanticError

        with refusing(QuerySyntaxError, SemanticError, NotExpressibleError):
            query = self._query(flow)
            if as_of is not None and query.as_of is None:
                query = replace(query, as_of=as_of)
            wanted = Wanted(
                self._format,
                self._format.media_type,
                self._encode_options(query.presentation),
                self._coding,
            )
            return answer_data(self._sources, query, wanted)

    def _encode_options(self, asked: Presentation) -> EncodeOptions:
        """Return how the files are to look: what the parameters of the query say wins over the options."""
        from service.formats.contract import EncodeOptions

        if asked.format or asked.format_version or asked.compression:
            raise Refusal(
                "--format and the ending of -o choose format and compression, not --query"
            )
        known = self._sources.registry.languages
        if asked.language is not None and asked.language not in known:
            raise Refusal(f"lang={asked.language}: there are names in {', '.join(known)}")
        defaults = EncodeOptions(labels=self._labels)
        return replace(
            defaults,
            languages=(asked.language,) if asked.language else (),
            labels=asked.labels or defaults.labels,
            time_format=asked.time_format or defaults.time_format,
            keys=asked.keys or defaults.keys,
        )

    def _query(self, flow: Dataflow) -> DataQuery:
        from service.query.data_query import parse_data_query_v2

        path = f"dataflow/{flow.agency_id}/{flow.id}/{flow.version}/{quote(self._key, safe='*.,')}"
        return parse_data_query_v2(path, self._parameters)


def _name(flow: Dataflow, flows: Sequence[Dataflow]) -> str:
    """Return the name of a file: the id, with agency and version where several dataflows have it."""
    is_only = sum(other.id == flow.id for other in flows) == 1
    return flow.id if is_only else f"{flow.agency_id}.{flow.id}.{flow.version}"


def _save(answer: Answer, target: Path) -> int:
    """Write the body to a file that has its name only when it is whole; return its size."""
    if answer.body is None:
        raise TypeError("an answer that nobody has yet has a body")
    with replacing(target) as part, part.open("wb") as stream:
        for chunk in answer.body:
            stream.write(chunk)
    return target.stat().st_size


def _discard(answer: Answer) -> None:
    if answer.body is not None:
        answer.body.close()


def _send(answer: Answer) -> None:
    for chunk in answer.body or ():
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()
