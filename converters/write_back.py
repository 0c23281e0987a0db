"""Write datasets into questionnaire workbooks: one a country, as an office would have filled them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from converters.conversion import SourceDescription, TableSummary
from converters.filling import Observation
from converters.profile import Profile, load_profile
from converters.sheet_writer import UnwritableValueError
from converters.template import filled_bytes
from dsd.batch import ACTION, rows_of
from dsd.dataset import Action, Dataset
from dsd.structures import Structures


@dataclass
class _Country:
    """What goes into the workbook of one country, by table (`AGENCY:ID(VERSION)`)."""

    rows: dict[str, list[Observation]] = field(default_factory=lambda: defaultdict(list))
    gap_reasons: dict[str, str] = field(default_factory=dict)
    periods: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Of the tables that were read from a workbook; others have those of their observations."""


def write_back(
    structures: Structures,
    datasets: Iterable[Dataset],
    tables: Iterable[TableSummary] = (),
    sources: Iterable[SourceDescription] | None = None,
    *,
    languages: tuple[str, ...] = ("en",),
    profile: Profile | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Yield country and workbook (.xlsx) for each country of some datasets.

    Reading a workbook gives the observations back, digit for digit. What was read from a workbook makes one with
    the same cells, except those of rows that somebody chose and did not fill.

    Args:
        structures: the artefacts.
        datasets: what to write; nothing may be deleted in them.
        tables: what was found in the workbook that they were read from: its blank tables, years and reasons for
            having no data are kept.
        sources: what its sources sheet says; where None what all observations of a source have in common.
        languages: of the labels.
        profile: the questionnaire's profile; the built-in one where None.

    Raises:
        UnwritableValueError: an observation has no place in the questionnaire.
        UnknownTableError: a dataset is of no table, or of no country that reports it.
        UnknownLanguageError: the questionnaire has no words in a language.
    """
    profile = profile or load_profile()
    countries: dict[str, _Country] = defaultdict(_Country)
    for table in tables:
        if table.country is None:
            continue
        country = countries[table.country]
        country.rows[table.dataflow] = []
        country.periods[table.dataflow] = table.periods
        if table.gap_reason is not None:
            country.gap_reasons[table.dataflow] = table.gap_reason
    for dataset in datasets:
        for row in _observations(dataset):
            area = row.get(profile.placement.area)
            countries[area if isinstance(area, str) else ""].rows[dataset.dsd.urn.short].append(row)
    described = None if sources is None else tuple(sources)
    for code, country in sorted(countries.items()):
        own = (
            None
            if described is None
            else [source for source in described if source.country in (None, code)]
        )
        yield (
            code,
            filled_bytes(
                structures,
                code,
                country.rows,
                country.periods,
                languages=languages,
                gap_reasons=country.gap_reasons,
                sources=own,
                profile=profile,
            ),
        )


def _observations(dataset: Dataset) -> Iterator[Observation]:
    """Yield the rows with the values that stand above them.

    Raises:
        UnwritableValueError: a row asks for a deletion, which a questionnaire cannot say.
    """
    rows = list(rows_of(dataset.batches))
    # The list of values above the rows is whole only when these are read.
    above = list(dataset.attributes)
    for row in rows:
        if Action.DELETE in (dataset.action, row.get(ACTION)):
            raise UnwritableValueError(
                f"{dataset.dsd.urn.short} deletes observations, which a questionnaire cannot say"
            )
        found: dict[str, str | Sequence[str] | None] = {
            id: value for id, value in row.items() if not id.startswith("$")
        }
        for entry in above:
            if all(row.get(id) == code for id, code in entry.key.items()):
                found = {**entry.values, **found}
        yield found
