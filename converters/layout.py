"""The layout of a questionnaire sheet, derived from a DSD: template and reader both follow it.

No table, dimension or code is named here. The profile (`layouts/questionnaire.toml`) places components by
their ids; constraints say which codes there are; the annotations IS_TOTAL, PARTITION, ORDER and
NOT_REPORTABLE say which of them are printed and in which order.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from codelists.item_scheme import Code
from converters.field import (
    Field,
    FieldKind,
    code_labels,
    component_captions,
    component_field,
    text_captions,
)
from converters.label import Captions
from converters.profile import Profile, in_languages
from converters.reportable import reportable_codes, version_of
from dsd.resolved import Dsd, ResolvedComponent, Role

MAX_SHEET_NAME = 31
"""What spreadsheet programs allow."""

TITLE_ROW = 1
TIP_ROW = 2
FIRST_FIELD_ROW = 3
VERSION_KEY = "version:"
NOTE_KEY = "note:"


class UnknownVersionError(LookupError):
    """A classification version that a table does not accept."""


@dataclass(frozen=True)
class Axis:
    """A row or column heading: one dimension."""

    component: ResolvedComponent | None
    """None for the one row of a table that needs no row heading."""
    caption: str
    captions: Captions
    """Every text by which a reader knows the heading."""
    codes: tuple[Code, ...] = ()
    """All codes that a sheet may use, empty for time."""
    labels: Mapping[str, str] = field(default_factory=dict)
    printed: tuple[str | None, ...] = ()
    """Codes (or periods) in their order; None is a row for anyone to choose."""
    is_selectable: bool = False
    """True where the list is too long to print: rows are chosen, all but the pinned ones."""
    pinned: frozenset[str] = frozenset()
    """Of a selectable axis: total and remainder, which every sheet prints."""
    versions: tuple[Code, ...] = ()
    """The classification versions where there are several."""
    version: str | None = None
    """The version that is printed."""
    of_version: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Codes by version, in their order."""

    @property
    def id(self) -> str:
        """The id of the dimension, empty for the heading of a table without row dimensions."""
        return self.component.id if self.component else ""

    @property
    def is_time(self) -> bool:
        """True for the time dimension."""
        return self.component is not None and self.component.role is Role.TIME

    def label(self, code: str) -> str:
        """Return the text of a code (a period is its own text)."""
        return self.labels.get(code, code)

    def choices(self) -> tuple[str, ...]:
        """Return the codes that the list of a selectable row offers."""
        return tuple(code.id for code in self.codes if code.id not in self.pinned)

    def depth(self, code: str) -> int:
        """Return how many codes of this axis stand above a code: its indent."""
        own = {entry.id: entry for entry in self.codes}
        depth, parent = 0, own[code].parent if code in own else None
        while parent in own:
            depth, parent = depth + 1, own[parent].parent
        return depth


@dataclass(frozen=True)
class TableLayout:
    """The sheet of one table."""

    dsd: Dsd
    profile: Profile
    languages: tuple[str, ...]
    sheet: str
    title: str
    fields: tuple[Field, ...]
    columns: tuple[Axis, ...]
    """Column headings, outermost first."""
    rows: tuple[Axis, ...]
    """Row headings, outermost first."""
    fixed: Mapping[str, str]
    """Dimensions that have one code only and stand nowhere on the sheet."""

    @property
    def label_columns(self) -> int:
        """How many columns the row headings take."""
        return len(self.rows)

    @property
    def head(self) -> tuple[Field, ...]:
        """The lines above the figures."""
        return tuple(entry for entry in self.fields if not entry.is_below)

    @property
    def foot(self) -> tuple[Field, ...]:
        """The lines under the figures: coverage and notes."""
        return tuple(entry for entry in self.fields if entry.is_below)

    @property
    def first_header_row(self) -> int:
        """The row of the outermost column heading."""
        return FIRST_FIELD_ROW + len(self.head) + 1

    @property
    def foot_row(self) -> int:
        """The row of the heading above the lines under the figures."""
        return self.first_data_row + len(self.row_headings()) + 1

    @property
    def caption_row(self) -> int:
        """The row with the captions of the row headings, just above the figures."""
        return self.first_header_row + len(self.columns)

    @property
    def first_data_row(self) -> int:
        """The row of the first figures."""
        return self.caption_row + 1

    def value_column(self, number: int) -> int:
        """Return the sheet column of a column heading (from 0); its flags stand right of it."""
        return self.label_columns + 1 + 2 * number

    def column_headings(self) -> tuple[tuple[str, ...], ...]:
        """Return the codes of each column of figures, in the order of `columns`."""
        printed = [[code for code in axis.printed if code is not None] for axis in self.columns]
        return tuple(itertools.product(*printed))

    def row_headings(self) -> tuple[tuple[str | None, ...], ...]:
        """Return the codes of each row of figures, in the order of `rows`."""
        return tuple(itertools.product(*(axis.printed for axis in self.rows)))

    def field(self, key: str) -> Field | None:
        """Return a line of the header block."""
        return next((entry for entry in self.fields if entry.key == key), None)


@dataclass(frozen=True)
class LayoutOptions:
    """What a template may choose; a reader leaves it all open."""

    periods: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    """Classification version to print, by dimension id; the first of the list where it is not given."""
    selected: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Codes that must be printed beside those that always are, by dimension id."""
    numbered_notes: int | None = None


def table_layout(
    dsd: Dsd,
    profile: Profile,
    languages: tuple[str, ...] = ("en",),
    options: LayoutOptions | None = None,
) -> TableLayout:
    """Return the layout of a table's sheet.

    Args:
        dsd: the table; bound to a provision agreement where the country is known.
        profile: where components stand.
        languages: of the labels; several stand side by side.
        options: periods, classification versions and selected codes.

    Raises:
        UnknownVersionError: a table does not accept the version asked for.
    """
    options = options or LayoutOptions()
    builder = _Builder(dsd, profile, languages, options)
    columns, rows, fixed = builder.axes()
    return TableLayout(
        dsd=dsd,
        profile=profile,
        languages=languages,
        sheet=sheet_name(dsd),
        title=builder.title(),
        fields=tuple(builder.fields((*columns, *rows))),
        columns=columns,
        rows=rows or (builder.single_row(),),
        fixed=fixed,
    )


def table_number(dsd: Dsd) -> str | None:
    """Return the number of a table, from the annotation of its dataflow or DSD."""
    return _annotation(dsd, "TABLE_NUMBER")


def sheet_name(dsd: Dsd) -> str:
    """Return the name of a table's sheet: T and its number, else the id of its flow."""
    number = table_number(dsd)
    return f"T{number}" if number else dsd.urn.id[:MAX_SHEET_NAME]


def _annotation(dsd: Dsd, id: str) -> str | None:
    own = dsd.dataflow.annotation_value(id) if dsd.dataflow else None
    return own or dsd.structure.annotation_value(id)


def _is_total(code: Code) -> bool:
    return code.annotation_value("IS_TOTAL") == "Y"


def _parts_of_total(codes: Sequence[Code], *, optional: bool) -> set[str]:
    """Return the codes that add up to a total: those that may be absent, or those that may not."""
    totals = {code.id for code in codes if _is_total(code)}
    return {
        code.id
        for code in codes
        for note in code.annotations
        if note.id == "PARTITION" and note.value in totals and (note.type == "OPTIONAL") is optional
    }


def _pinned(codes: Sequence[Code]) -> frozenset[str]:
    """Return the totals and the parts that a total cannot lack: the remainder of the chosen rows."""
    totals = {code.id for code in codes if _is_total(code)}
    return frozenset(totals | _parts_of_total(codes, optional=False))


def _with_spare_rows(axis: Axis) -> Axis:
    """Return the axis with rows to choose, as many as its longest version needs beyond the printed one."""
    longest = max((len(codes) for codes in axis.of_version.values()), default=0)
    if axis.is_selectable or len(axis.versions) <= 1:
        return axis
    spare = itertools.repeat(None, longest - len(axis.printed))
    return dataclasses.replace(axis, printed=(*axis.printed, *spare))


class _Builder:
    """Derives the parts of a layout; lives for one call."""

    def __init__(
        self, dsd: Dsd, profile: Profile, languages: tuple[str, ...], options: LayoutOptions
    ) -> None:
        self._dsd = dsd
        self._profile = profile
        self._languages = languages
        self._options = options

    def title(self) -> str:
        """Return `Table 15: name of the flow`."""
        names = self._dsd.dataflow or self._dsd.structure
        name = in_languages(names.names, self._languages, names.label())
        number = table_number(self._dsd)
        return (
            f"{self._profile.text('table', self._languages)} {number}: {name}" if number else name
        )

    # -- headings ------------------------------------------------------------------------------------

    def axes(self) -> tuple[tuple[Axis, ...], tuple[Axis, ...], dict[str, str]]:
        """Return column headings, row headings, and the dimensions that have one code only."""
        placement = self._profile.placement
        columns: dict[str, Axis] = {}
        rows: list[Axis] = []
        fixed: dict[str, str] = {}
        for component in self._dsd.of_role(Role.DIMENSION, Role.TIME):
            if component.id in placement.header:
                continue
            codes = reportable_codes(component)
            if component.role is Role.TIME:
                columns[component.id] = self._time_axis(component)
            elif len(codes) == 1:
                fixed[component.id] = codes[0].id
            elif component.id in placement.columns:
                columns[component.id] = self._column_axis(component, codes)
            else:
                rows.append(self._row_axis(component, codes))
        ordered = sorted(columns, key=self._column_rank)
        if len(rows) == 1:
            rows = [_with_spare_rows(rows[0])]
        return tuple(columns[id] for id in ordered), tuple(rows), fixed

    def _column_rank(self, id: str) -> int:
        columns = self._profile.placement.columns
        return columns.index(id) if id in columns else len(columns)

    def _time_axis(self, component: ResolvedComponent) -> Axis:
        caption, captions = self._captions(component)
        return Axis(component, caption, captions, printed=self._options.periods)

    def _column_axis(self, component: ResolvedComponent, codes: tuple[Code, ...]) -> Axis:
        caption, captions = self._captions(component)
        selected = self._options.selected.get(component.id, ())
        left_out = _parts_of_total(codes, optional=True) - set(selected)
        return Axis(
            component,
            caption,
            captions,
            codes,
            code_labels(codes, self._languages),
            printed=tuple(code.id for code in codes if code.id not in left_out),
        )

    def _row_axis(self, component: ResolvedComponent, codes: tuple[Code, ...]) -> Axis:
        caption, captions = self._captions(component)
        present = [version_of(component, code) for code in codes]
        versions = [component.codes[id] for id in dict.fromkeys(present) if id is not None]
        version = self._version(component, versions)
        of_version = {
            entry.id: tuple(
                code for code, its in zip(codes, present, strict=True) if its in (entry.id, None)
            )
            for entry in versions
        }
        own = of_version.get(version or "", codes)
        selectable = len(own) > self._profile.placement.longest_printed_list
        labels: dict[str, str] = {}
        for group in (*of_version.values(), own):
            # A text must be unique among what one list offers; another version may repeat it.
            labels |= code_labels(group, self._languages)
        return Axis(
            component,
            caption,
            captions,
            codes,
            labels,
            printed=self._chosen_rows(component, own) if selectable else tuple(c.id for c in own),
            is_selectable=selectable,
            pinned=_pinned(own) if selectable else frozenset(),
            versions=tuple(versions) if len(versions) > 1 else (),
            version=version,
            of_version={id: tuple(code.id for code in group) for id, group in of_version.items()},
        )

    def _version(self, component: ResolvedComponent, versions: Sequence[Code]) -> str | None:
        """Return the classification version to print, None where there are none."""
        ids = [version.id for version in versions]
        asked = self._options.versions.get(component.id)
        if asked is not None and asked not in ids:
            raise UnknownVersionError(
                f"{component.id} of {self._dsd.urn.id} has no version {asked!r}; it has: "
                + ", ".join(ids)
            )
        offered = (v.id for v in versions if v.annotation_value("DEFAULT_VERSION") == "Y")
        return asked or next(offered, None) or next(iter(ids), None)

    def _chosen_rows(
        self, component: ResolvedComponent, codes: Sequence[Code]
    ) -> tuple[str | None, ...]:
        """Return total, rows to choose, remainder; the remainder is the part that a total cannot lack."""
        pinned = _pinned(codes)
        totals = [code.id for code in codes if _is_total(code)]
        rest = [code.id for code in codes if code.id in pinned and code.id not in totals]
        chosen = self._options.selected.get(component.id, ())
        selected = [id for id in chosen if id not in pinned]
        blank = max(0, self._profile.placement.selectable_rows - len(selected))
        return (*totals, *selected, *itertools.repeat(None, blank), *rest)

    def single_row(self) -> Axis:
        """Return the heading of a table whose figures stand in one row."""
        caption, captions = text_captions(self._profile.texts["observation"], self._languages)
        return Axis(None, caption, captions, printed=(caption,))

    def _captions(self, component: ResolvedComponent) -> tuple[str, Captions]:
        return component_captions(
            component, self._profile, self._languages, self._role_texts(component)
        )

    def _role_texts(self, component: ResolvedComponent) -> Mapping[str, str] | None:
        """Return the caption by the role of the counterpart, for the dimension whose codes are chosen."""
        role = _annotation(self._dsd, "COUNTERPART_ROLE")
        limit = self._profile.placement.longest_printed_list
        headed = component.id in (
            *self._profile.placement.header,
            *self._profile.placement.columns,
        )
        if role is None or headed or component.role is not Role.DIMENSION:
            return None
        if len(reportable_codes(component)) <= limit:
            return None
        key = role.lower().replace(" ", "_").replace("-", "_")
        return self._profile.roles.get(key, {"en": f"{component.name} ({role})"})

    # -- header block --------------------------------------------------------------------------------

    def fields(self, axes: Sequence[Axis]) -> Iterator[Field]:
        """Yield the lines of the header block."""
        yield self._text_field("table_id", FieldKind.TABLE, default=self._dsd.urn.id)
        for id in self._profile.placement.header:
            if id in self._dsd and self._dsd[id].role is Role.DIMENSION:
                yield self._component_field(self._dsd[id], FieldKind.DIMENSION)
        for axis in axes:
            if axis.versions:
                yield self._version_field(axis)
        for component in self._dsd.attributes:
            if self._has_line(component):
                yield self._component_field(component, FieldKind.ATTRIBUTE)
        yield self._gap_field()
        if self._profile.attributes.notes in self._dsd:
            yield from self._note_fields()

    def _has_line(self, component: ResolvedComponent) -> bool:
        places = self._profile.attributes
        if component.id in (*places.flags, places.decimals, places.notes):
            return False
        condition = places.only_with.get(component.id)
        if condition is None or condition.component not in self._dsd:
            return True
        possible = {code.id for code in self._dsd[condition.component].allowed_codes}
        return bool(possible & set(condition.values))

    def _component_field(self, component: ResolvedComponent, kind: FieldKind) -> Field:
        role = self._role_texts(component)
        return component_field(component, kind, self._profile, self._languages, role)

    def _version_field(self, axis: Axis) -> Field:
        text = self._profile.text("version", self._languages)
        return Field(
            VERSION_KEY + axis.id,
            FieldKind.VERSION,
            f"{text}: {axis.caption}",
            axis.captions,
            axis.component,
            axis.versions,
            code_labels(axis.versions, self._languages),
            is_required=True,
        )

    def _gap_field(self) -> Field:
        reasons = tuple(
            Code(id=id, names=dict(texts)) for id, texts in self._profile.gap_reasons.items()
        )
        caption, captions = text_captions(self._profile.texts["gap"], self._languages)
        return Field(
            "gap",
            FieldKind.GAP,
            caption,
            captions,
            codes=reasons,
            labels=code_labels(reasons, self._languages),
        )

    def _note_fields(self) -> Iterator[Field]:
        component = self._dsd[self._profile.attributes.notes]
        yield self._text_field("notes", FieldKind.NOTES, component, is_below=True)
        count = self._options.numbered_notes
        for number in range(1, (count or self._profile.attributes.numbered_notes) + 1):
            caption, captions = text_captions(self._profile.texts["note"], self._languages)
            yield Field(
                f"{NOTE_KEY}{number}",
                FieldKind.NUMBERED_NOTE,
                f"{caption} ({number})",
                captions,
                component,
                is_below=True,
            )

    def _text_field(
        self,
        key: str,
        kind: FieldKind,
        component: ResolvedComponent | None = None,
        default: str | None = None,
        *,
        is_below: bool = False,
    ) -> Field:
        caption, captions = text_captions(self._profile.texts[key], self._languages)
        return Field(key, kind, caption, captions, component, default=default, is_below=is_below)
