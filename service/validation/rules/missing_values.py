"""Rows without a value that they must have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from dsd.dataset import Action
from dsd.finding import Finding, Severity
from dsd.resolved import Dsd, ResolvedComponent, Role
from service.validation.absence import Absences
from service.validation.concepts import (
    OBS_STATUS,
    OBS_VALUE,
    UNIT_MEASURE,
    UNIT_MULT,
    valueless_statuses,
)
from service.validation.rows import Array, Rows
from service.validation.rule import Context, Rule, RuleInfo


def has_figure(rows: Rows) -> Array:
    """Return a mask of the rows with an OBS_VALUE.

    NaN stands for none where the data type has it (SDMX 3.1 Section 6, 4.1.1); elsewhere it is a wrong value.
    """
    present = rows.present(OBS_VALUE)
    column = rows.column(OBS_VALUE)
    text_format = rows.dsd[OBS_VALUE].text_format
    if column is None or text_format is None or text_format.data_type not in _WITH_NAN:
        return present
    is_nan = pc.fill_null(pc.equal(column.cast("string"), "NaN"), False)
    return pc.and_not(present, is_nan)


_WITH_NAN = frozenset({"Double", "Float"})


class _MissingValue(Rule):
    """What the two rules on mandatory components share."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        above = {id for entry in context.attributes for id in entry.values}
        self._absences = [
            Absences(context, component.id)
            for component in self.components(context.dsd)
            if component.id not in above
        ]

    @classmethod
    def components(cls, dsd: Dsd) -> Iterable[ResolvedComponent]:
        """Return the components that the rule asks for."""
        raise NotImplementedError

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether the structure has such components."""
        return any(True for _ in cls.components(dsd))

    def feed(self, rows: Rows) -> Iterable[Finding]:
        """Note the rows that lack a value."""
        if self.context.action is not Action.DELETE:
            for absences in self._absences:
                absences.feed(rows)
        return ()

    def end(self) -> Iterator[Finding]:
        """Tell of each row that lacks what other rows have."""
        for absences in self._absences:
            component = self.context.dsd[absences.component_id]
            for row in absences.rows():
                yield self.finding(
                    f"{component.id} ({component.name}) is empty and must not be.",
                    row=row,
                    component=component.id,
                )


class MissingDimensionValue(_MissingValue):
    """A row without its whole key."""

    info = RuleInfo(
        id="missing-dimension-value",
        severity=Severity.FATAL,
        title="A dimension has no value",
        reference="SDMX 3.1 Section 2, 5.3 (every dimension has a value); ILMS R-01",
        why="The observation cannot be told from others, so it cannot be stored.",
        mend="Fill the cell; in a questionnaire, choose the label of the row or column.",
    )

    @classmethod
    def components(cls, dsd: Dsd) -> Iterable[ResolvedComponent]:
        """Return the dimensions."""
        return dsd.of_role(Role.DIMENSION, Role.TIME)


class MissingAttribute(_MissingValue):
    """A row without a mandatory attribute (or measure)."""

    info = RuleInfo(
        id="missing-attribute",
        severity=Severity.ERROR,
        title="A mandatory attribute has no value",
        reference="SDMX 3.1 Section 2, 5.3 (usage of attributes and measures); ILMS R-01",
        why="A reader cannot tell what the figure means without it.",
        mend="Fill in the attribute.",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._above = {
            component.id: found
            for component in self.components(context.dsd)
            if (found := _values_above(context, component.id))
        }
        self._told: set[tuple[str, tuple[tuple[str, str], ...]]] = set()

    @classmethod
    def components(cls, dsd: Dsd) -> Iterable[ResolvedComponent]:
        """Return the mandatory attributes and measures."""
        return [c for c in dsd.of_role(Role.MEASURE, Role.ATTRIBUTE) if c.is_mandatory]

    def feed(self, rows: Rows) -> Iterator[Finding]:
        """Note the rows that lack a value, and tell of series or groups that lack one."""
        yield from super().feed(rows)
        if self.context.action is not Action.DELETE:
            for id, keys in self._above.items():
                yield from self._groups_without(rows, id, keys)

    def _groups_without(
        self, rows: Rows, id: str, keys: dict[tuple[str, ...], set[tuple[str, ...]]]
    ) -> Iterator[Finding]:
        """Tell of each key of the attribute's dimensions that has no value, at its first row."""
        if () in keys:
            # Given for the whole dataset.
            return
        absent = rows.only_live(pc.invert(rows.present(id)))
        for dimensions, given in keys.items():
            found = [rows.column(dimension) for dimension in dimensions]
            columns = [column.cast(pa.string()) for column in found if column is not None]
            if len(columns) < len(dimensions):
                continue
            numbers = pa.array(range(len(rows)), pa.int64())
            table = pa.table([*columns, numbers], [*dimensions, "#"])
            first = table.filter(absent).group_by(list(dimensions)).aggregate([("#", "min")])
            for group in first.to_pylist():
                key = tuple(group[dimension] for dimension in dimensions)
                told = (id, tuple(zip(dimensions, key, strict=True)))
                if key in given or None in key or told in self._told:
                    continue
                self._told.add(told)
                row = rows.row(group["#_min"])
                yield self.finding(
                    f"{id} ({self.context.dsd[id].name}) is given for other series or groups, "
                    f"but not for {' '.join(key)}.",
                    row=row._replace(key=dict(told[1])),
                    component=id,
                )


def _values_above(context: Context, id: str) -> dict[tuple[str, ...], set[tuple[str, ...]]]:
    """Return the keys for which an attribute is given above the observation, by their dimensions."""
    found: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for entry in context.attributes:
        if id in entry.values:
            dimensions = tuple(d for d in context.dsd.key_ids if d in entry.key)
            found.setdefault(dimensions, set()).add(tuple(entry.key[d] for d in dimensions))
    return found


class UnitNotStated(Rule):
    """A figure without its unit or multiplier, even where the structure leaves them optional."""

    info = RuleInfo(
        id="unit-not-stated",
        severity=Severity.ERROR,
        title="A figure has no unit or no multiplier",
        reference="SDMX Glossary, UNIT_MEASURE and UNIT_MULT; ILMS R-01, R-13",
        why="Persons and thousands of persons look alike: nobody can use a figure that says neither.",
        mend="State UNIT_MEASURE and UNIT_MULT (0 for units, 3 for thousands) for each figure.",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        above = {id for entry in context.attributes for id in entry.values}
        self._absences = [
            Absences(context, id)
            for id in (UNIT_MEASURE, UNIT_MULT)
            # Mandatory ones have a rule of their own.
            if id in context.dsd and id not in above and not context.dsd[id].is_mandatory
        ]

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether the structure has figures with units."""
        return OBS_VALUE in dsd and (UNIT_MEASURE in dsd or UNIT_MULT in dsd)

    def feed(self, rows: Rows) -> Iterable[Finding]:
        """Note the figures that lack a unit."""
        figures = has_figure(rows)
        for absences in self._absences:
            absences.feed(rows, figures)
        return ()

    def end(self) -> Iterator[Finding]:
        """Tell of them: one finding where no figure has a unit, else one each."""
        for absences in self._absences:
            id = absences.component_id
            if absences.is_everywhere:
                yield self.finding(f"No figure states its {id}: add the column.", component=id)
            for row in absences.rows():
                yield self.finding(
                    f"The figure {row.text(OBS_VALUE)} does not state its {id}.",
                    row=row,
                    component=id,
                    value=row.text(OBS_VALUE),
                )


class ValueNotExplained(Rule):
    """A cell that is neither filled nor explained."""

    info = RuleInfo(
        id="missing-value-unexplained",
        severity=Severity.ERROR,
        title="A missing value is not explained by its status",
        reference="SDMX CL_OBS_STATUS 2.2 (O, M, L, H, Q, K); ILMS R-25",
        why="Nobody can tell a figure that does not exist from one that was forgotten.",
        mend="Give the figure, or an OBS_STATUS that says why there is none, or leave out the row.",
    )

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether the structure has a value and a status."""
        return OBS_VALUE in dsd and OBS_STATUS in dsd

    def feed(self, rows: Rows) -> Iterator[Finding]:
        """Look at the rows without a figure."""
        if self.context.action is Action.DELETE:
            return
        empty = rows.only_live(pc.invert(has_figure(rows)))
        if not pc.any(empty).as_py():
            return
        explaining = valueless_statuses(self.context.dsd, optional=True)
        for row in rows.where(empty):
            status = row.text(OBS_STATUS)
            if status in explaining:
                continue
            said = f"and OBS_STATUS {status} does not say" if status else "and no OBS_STATUS says"
            yield self.finding(
                f"There is no OBS_VALUE, {said} why; those that do: {', '.join(sorted(explaining))}.",
                row=row,
                component=OBS_STATUS,
                value=row.text(OBS_VALUE) or status,
            )
