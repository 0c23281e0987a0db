"""The sources sheet: which surveys and registers the figures of a country come from, one row each.

Not in SDMX: the sheet carries what a metadata set of a source would say. Which columns it has, the profile
says; a column named by a component of the tables has its codes, as the country may report them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from codelists.item_scheme import Code, Codelist
from converters.conversion import SourceDescription
from converters.field import (
    Field,
    FieldKind,
    code_labels,
    component_field,
    text_captions,
)
from converters.profile import Profile, SourceColumn
from converters.reportable import in_order
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.structures import Structures

TITLE_ROW = 1
TIP_ROW = 2
AREA_ROW = 3
CAPTION_ROW = 5


@dataclass(frozen=True)
class SourceSheetLayout:
    """The sources sheet of a country."""

    profile: Profile
    languages: tuple[str, ...]
    area: Field | None
    """Whose sources they are."""
    columns: tuple[tuple[SourceColumn, Field], ...]
    """The first names the source."""

    def annotated(self, column: SourceColumn, source: str) -> str | None:
        """Return what the code of a source says of itself for a column, None where it says nothing."""
        key = self.columns[0][1]
        codes = key.component.codes if key.component else {}
        code = codes.get(source)
        return code.annotation_value(column.annotation) if code and column.annotation else None


def source_sheet_layout(
    dsds: Sequence[Dsd],
    structures: Structures,
    profile: Profile,
    languages: tuple[str, ...] = ("en",),
) -> SourceSheetLayout | None:
    """Return the layout of the sources sheet for these tables; None where none of them has a source.

    Args:
        dsds: the tables of a country, bound to its agreements.
        structures: the artefacts.
        profile: the columns.
        languages: of the labels.
    """
    components = dict(_components(dsds, profile))
    if profile.sources.id not in components:
        return None
    area = next(
        (dsd[profile.placement.area] for dsd in dsds if profile.placement.area in dsd), None
    )
    return SourceSheetLayout(
        profile,
        languages,
        component_field(area, FieldKind.DIMENSION, profile, languages) if area else None,
        tuple(
            (column, _field(column, components.get(column.id), structures, profile, languages))
            for column in profile.sources.columns
        ),
    )


def _components(dsds: Sequence[Dsd], profile: Profile) -> Iterator[tuple[str, ResolvedComponent]]:
    """Yield the components that columns are named by, with all codes that any of the tables allows."""
    for column in profile.sources.columns:
        held = [dsd[column.id] for dsd in dsds if column.id in dsd]
        if held:
            allowed: Iterable[frozenset[str]] = [
                frozenset(code.id for code in component.allowed_codes) for component in held
            ]
            yield column.id, dataclasses.replace(held[0], allowed=frozenset().union(*allowed))


def _field(
    column: SourceColumn,
    component: ResolvedComponent | None,
    structures: Structures,
    profile: Profile,
    languages: tuple[str, ...],
) -> Field:
    if component is not None:
        is_key = component.role is Role.DIMENSION
        kind = FieldKind.DIMENSION if is_key else FieldKind.ATTRIBUTE
        made = component_field(component, kind, profile, languages)
        return dataclasses.replace(made, default=None, is_required=is_key)
    caption, captions = text_captions(profile.captions[column.id], languages)
    codes = _codes(column, structures)
    labels = code_labels(codes, languages)
    return Field(column.id, FieldKind.SOURCE, caption, captions, codes=codes, labels=labels)


def _codes(column: SourceColumn, structures: Structures) -> tuple[Code, ...]:
    found = structures.find(column.codelist) if column.codelist else None
    return in_order(found.codes) if isinstance(found, Codelist) else ()


def derived_sources(
    tables: Iterable[tuple[Dsd, Iterable[Mapping[str, object]]]],
    layout: SourceSheetLayout,
) -> tuple[SourceDescription, ...]:
    """Return what observations say of their sources: what all observations of a source have in common.

    Args:
        tables: the observations of each table.
        layout: the sheet that shall say it.
    """
    key = layout.columns[0][0].id
    seen: dict[str, dict[str, set[tuple[str, ...]]]] = {}
    for dsd, rows in tables:
        attributes = [column.id for column, _ in layout.columns if column.id in dsd]
        for row in rows:
            source = row.get(key)
            if not isinstance(source, str) or is_unknown(layout, source):
                continue
            held = seen.setdefault(source, {})
            for id in attributes:
                held.setdefault(id, set()).add(_values(row.get(id)))
    return tuple(
        SourceDescription(source, dict(_common(source, seen[source], layout)))
        for source in sorted(seen)
    )


def _common(
    source: str, held: Mapping[str, set[tuple[str, ...]]], layout: SourceSheetLayout
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for column, entry in layout.columns:
        own = layout.annotated(column, source)
        if own is not None and own in entry.labels:
            yield column.id, (own,)
        elif entry.kind is FieldKind.ATTRIBUTE and len(held.get(column.id, ())) == 1:
            (values,) = held[column.id]
            if values:
                yield column.id, values


def _values(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(map(str, value))  # type: ignore[call-overload]


def is_unknown(layout: SourceSheetLayout, source: str) -> bool:
    """Tell whether a source is that of figures whose source nobody states: there is nothing to describe."""
    component = layout.columns[0][1].component
    code = component.codes.get(source) if component else None
    return code is not None and code.annotation_value("IS_UNKNOWN") == "Y"
