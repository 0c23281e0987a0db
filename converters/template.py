"""Write questionnaire workbooks: blank for a country to fill, or filled with observations.

The bytes are the same for the same artefacts and arguments: the document's times are fixed.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from openpyxl import Workbook

from converters import sheet_style as style
from converters.choice_list import ChoiceLists
from converters.conversion import SourceDescription
from converters.cover import Group, write_cover
from converters.filling import Observation, fill_sheets
from converters.layout import LayoutOptions, TableLayout, UnknownVersionError, table_layout
from converters.profile import Profile, check_languages, in_languages, load_profile
from converters.sheet_writer import SheetContent, SheetFrame, SheetWriter
from converters.source_sheet import derived_sources, source_sheet_layout
from converters.source_writer import write_sources
from converters.table import Module, bound_dsd, find_flow, module_of, questionnaire_flows
from dsd.structures import Structures
from dsd.time_period import parse_period

FIXED_TIME = datetime(2026, 1, 1)  # noqa: DTZ001 - document properties carry no zone here
_ZIP_TIME = (2026, 1, 1, 0, 0, 0)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")

Sheet = tuple[TableLayout, SheetContent]


def template_bytes(
    structures: Structures,
    country: str,
    years: Iterable[str | int],
    tables: Sequence[str] | None = None,
    *,
    languages: tuple[str, ...] = ("en",),
    versions: Mapping[str, str] | None = None,
    profile: Profile | None = None,
) -> bytes:
    """Return a blank questionnaire workbook (.xlsx) of a country.

    Args:
        structures: the artefacts.
        country: code of the reporting country.
        years: the periods that get a column block each, in this order.
        tables: numbers or ids of tables; all tables where None.
        languages: of the labels; several stand side by side in each cell.
        versions: classification version to print, by dimension id; the first of the list where not given.
        profile: the questionnaire's profile; the built-in one where None.

    Raises:
        UnknownTableError: a table is unknown, or takes no data of the country.
        UnknownVersionError: a table does not accept a version, or no table has the dimension.
        UnknownLanguageError: the questionnaire has no words in a language.
        PeriodSyntaxError: a year is no period.
    """
    profile = profile or load_profile()
    check_languages(profile, languages)
    options = LayoutOptions(periods=_periods(years), versions=dict(versions or {}))
    flows = (
        questionnaire_flows(structures)
        if tables is None
        else [find_flow(structures, table) for table in tables]
    )
    layouts = [
        table_layout(
            bound_dsd(structures, flow, profile.placement.area, country),
            profile,
            languages,
            options,
        )
        for flow in flows
    ]
    versioned = {axis.id for layout in layouts for axis in layout.rows if axis.version}
    for id in options.versions:
        if id not in versioned:
            raise UnknownVersionError(f"no table asked for has versions of {id}")
    sheets = [(layout, SheetContent()) for layout in layouts]
    return workbook_bytes(structures, sheets, profile, languages)


def _periods(years: Iterable[str | int]) -> tuple[str, ...]:
    return tuple(parse_period(str(year)).text for year in years)


def filled_bytes(
    structures: Structures,
    country: str,
    observations: Mapping[str, Iterable[Observation]],
    years: Iterable[str | int] | Mapping[str, Sequence[str]] | None = None,
    *,
    languages: tuple[str, ...] = ("en",),
    gap_reasons: Mapping[str, str] | None = None,
    sources: Sequence[SourceDescription] | None = None,
    profile: Profile | None = None,
) -> bytes:
    """Return a questionnaire workbook filled with observations.

    One sheet is made for each combination of what a sheet says once: source, criterion, classification
    version. Reading the workbook gives the observations back, digit for digit.

    Args:
        structures: the artefacts.
        country: code of the reporting country.
        observations: rows (component id to value) by table number or id; a table without rows stays blank.
        years: the column blocks, of all tables or by the same table names; the periods of each table's
            observations where None.
        languages: of the labels.
        gap_reasons: id of the reason for which a table has no data, by the same table names.
        sources: the rows of the sources sheet; where None what all observations of a source have in common.
        profile: the questionnaire's profile; the built-in one where None.

    Raises:
        UnknownTableError: a table is unknown, or takes no data of the country.
        UnknownLanguageError: the questionnaire has no words in a language.
        UnwritableValueError: an observation has no place in the questionnaire.
    """
    profile = profile or load_profile()
    check_languages(profile, languages)
    if years is not None and not isinstance(years, Mapping):
        years = tuple(years)
    tables = [
        (
            table,
            bound_dsd(structures, find_flow(structures, table), profile.placement.area, country),
        )
        for table in observations
    ]
    held = [(dsd, list(observations[table])) for table, dsd in tables]
    if sources is None:
        layout = source_sheet_layout([dsd for dsd, _ in held], structures, profile)
        sources = derived_sources(held, layout) if layout else ()
    sheets: list[Sheet] = []
    for (table, dsd), (_, rows) in zip(tables, held, strict=True):
        asked = years.get(table) if isinstance(years, Mapping) else years
        periods = None if asked is None else _periods(asked)
        reason = (gap_reasons or {}).get(table)
        sheets += fill_sheets(dsd, profile, rows, periods, languages, reason, sources)
    return workbook_bytes(structures, sheets, profile, languages, sources)


def workbook_bytes(
    structures: Structures,
    sheets: Sequence[Sheet],
    profile: Profile,
    languages: tuple[str, ...] = ("en",),
    sources: Sequence[SourceDescription] = (),
) -> bytes:
    """Return the workbook of these sheets, module after module, with its cover, sources and lists."""
    workbook = Workbook()
    cover = workbook.worksheets[0]
    cover.title = in_languages(profile.sheets["cover"], languages[:1])
    lists = workbook.create_sheet(in_languages(profile.sheets["lists"], languages[:1]))
    lists.sheet_state = "hidden"
    choices = ChoiceLists(lists)
    groups: list[Group] = []
    layout = source_sheet_layout([table.dsd for table, _ in sheets], structures, profile, languages)
    if layout is not None:
        name = in_languages(profile.sheets["sources"], languages[:1])
        sheet = workbook.create_sheet(name, len(workbook.worksheets) - 1)
        frame = SheetFrame(cover.title, style.ACCENT)
        write_sources(sheet, layout, sources, choices, frame)
        title = profile.text("sources_title", languages)
        groups.append(Group(None, style.ACCENT, ((name, title),)))
    for module, members in _by_module(structures, sheets):
        colours = profile.modules.colours
        colour = colours[module.rank % len(colours)] if module else style.ACCENT
        listed = []
        for table, content in members:
            name = content.name or table.sheet
            sheet = workbook.create_sheet(name, len(workbook.worksheets) - 1)
            frame = SheetFrame(cover.title, colour)
            SheetWriter(sheet, table, content, choices, frame).write()
            listed.append((sheet.title, table.title))
        names = module.category.names if module else {}
        groups.append(Group(in_languages(names, languages) or None, colour, tuple(listed)))
    write_cover(cover, [table for table, _ in sheets], groups, choices, profile, languages)
    return _saved(workbook, profile.text("title", languages[:1]))


def _by_module(
    structures: Structures, sheets: Sequence[Sheet]
) -> Iterator[tuple[Module | None, list[Sheet]]]:
    """Yield the sheets of each module in the order of the category scheme, those of none last."""
    found: dict[str, tuple[Module | None, list[Sheet]]] = {}
    for sheet in sheets:
        flow = sheet[0].dsd.dataflow
        module = module_of(structures, flow) if flow else None
        key = module.category.id if module else ""
        found.setdefault(key, (module, []))[1].append(sheet)
    yield from sorted(found.values(), key=lambda group: group[0].rank if group[0] else len(found))


def _saved(workbook: Workbook, title: str) -> bytes:
    workbook.properties.creator = "ILMS Exchange"
    workbook.properties.title = title
    workbook.properties.created = FIXED_TIME
    buffer = io.BytesIO()
    workbook.save(buffer)
    return _with_fixed_times(buffer.getvalue())


def _with_fixed_times(data: bytes) -> bytes:
    """Return the package with the times of its parts, and of its last change, fixed."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package,
    ):
        for name in source.namelist():
            part = source.read(name)
            if name == "docProps/core.xml":
                stamp = FIXED_TIME.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                part = _MODIFIED.sub(rb"\g<1>" + stamp + rb"\g<2>", part)
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            entry.create_system = 3
            package.writestr(entry, part)
    return target.getvalue()
