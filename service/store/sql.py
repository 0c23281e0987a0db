"""A selection as SQL of DuckDB over leaves.

Values are always bound. Identifiers come from the DSD only. There is no JOIN whose rows are not sorted after it: it would
break their order in silence. Scans of sorted files, WHERE, UNION ALL and windows with an empty OVER keep it
(DuckDB, "Order Preservation").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.time_period import DEFAULT_START_DAY, REPORTING_YEAR_START_DAY
from service.query.selection import (
    ComponentFilter,
    Condition,
    Operator,
    Order,
    PeriodTerm,
    Selection,
    is_value,
)
from service.store.above import Above, condition, joined_key, joined_values, quoted
from service.store.catalog import HISTORY, Leaf
from service.store.conditions import NEGATED, is_numeric
from service.store.leaf import (
    AFTER_SEPARATOR,
    ENTRY,
    KEY_SEPARATOR,
    PERIOD_END,
    PERIOD_START,
    PLACE,
    SERIES_KEY,
    START_DAY,
    TIME,
    TX_FROM,
    TX_TO,
    observation_key,
    order_columns,
)
from service.store.protocol import StoreError
from service.store.timeline import Timeline

_COMPARISONS = {
    Operator.EQ: "=",
    Operator.NE: "<>",
    Operator.LT: "<",
    Operator.LE: "<=",
    Operator.GT: ">",
    Operator.GE: ">=",
}
_TEXT_FUNCTIONS = {
    Operator.CONTAINS: "contains",
    Operator.NOT_CONTAINS: "contains",
    Operator.STARTS_WITH: "starts_with",
    Operator.ENDS_WITH: "ends_with",
}

FEW_VALUES = 64
"""Up to which values are compared one by one, so that files without them are not read; more are looked up."""


@dataclass(frozen=True)
class Bounds:
    """A range of series keys that holds every key that a selection can match."""

    low: str = ""
    end: str | None = None
    """First key after the range; None where it is open."""


@dataclass
class Query:
    """SQL with its bound values."""

    parameters: dict[str, object] = field(default_factory=dict)

    def bind(self, value: object) -> str:
        """Return the placeholder of a value."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"


def key_bounds(selection: Selection) -> Bounds:
    """Return the range of series keys in which the partial keys of a selection lie."""
    lows, ends = [], []
    for key in selection.keys:
        prefix = []
        for dimension in selection.dsd.series_ids:
            codes = key.get(dimension)
            if codes is None:
                break
            prefix.append(codes)
        if not prefix or not all(prefix):
            return Bounds()
        lows.append(KEY_SEPARATOR.join(min(codes) for codes in prefix))
        ends.append(KEY_SEPARATOR.join(max(codes) for codes in prefix) + AFTER_SEPARATOR)
    return Bounds(min(lows), max(ends)) if lows else Bounds()


def pruned(leaves: Sequence[Leaf], bounds: Bounds) -> list[Leaf]:
    """Return the current leaves whose range of keys meets the bounds."""
    found = []
    for number, leaf in enumerate(leaves):
        after = leaves[number + 1].low_key if number + 1 < len(leaves) else None
        starts_after = bounds.end is not None and number > 0 and leaf.low_key >= bounds.end
        ends_before = after is not None and after <= bounds.low
        if not starts_after and not ends_before:
            found.append(leaf)
    return found


@dataclass(frozen=True)
class Scan:
    """The rows of one state that a selection selects; the base of every query on it."""

    selection: Selection
    root: Path
    leaves: tuple[Leaf, ...]
    history: tuple[Leaf, ...] = ()
    transaction: int | None = None
    """The state after this transaction, from the versions in `leaves` and `history`; None for the newest."""
    after: int | None = None
    """Only versions that were written after this transaction."""
    present: Scan | None = None
    """Only rows whose key is not in this other state."""
    above: Above = field(default_factory=dict)
    """The values above the observation that filters or the order are about."""
    timeline: Timeline | None = None
    """The periods that the selection takes, and their order; None where the days in the leaves tell both."""

    @property
    def files(self) -> tuple[Leaf, ...]:
        """All leaves that are read."""
        return (*self.leaves, *self.history)

    def cut(self, offset: int, limit: int | None) -> Scan:
        """Return the rows of another offset and limit."""
        return replace(self, selection=replace(self.selection, offset=offset, limit=limit))

    @property
    def _dsd(self) -> Dsd:
        return self.selection.dsd

    @property
    def _has_time(self) -> bool:
        return self._dsd.time_dimension is not None

    def rows(self, query: Query, columns: Sequence[str]) -> str:
        """Return SQL for these columns of the selected rows, in the order of the key or that of the selection."""
        selection = self.selection
        windowed = selection.first_n is not None or selection.last_n is not None
        needed = self._needed(columns, windowed=windowed)
        sql = self._all_rows(query, needed)
        listed = ", ".join(quoted(name) for name in columns)
        is_page = selection.limit is not None or bool(selection.offset)
        # Which rows a page has does not depend on the layout in which it is shown.
        order = selection.order if is_page else selection.layout or selection.order
        regrouped = selection.layout if is_page else ()
        if windowed:
            kept = "*" if order else listed
            sql = f"select {kept} from ({sql}) {self._ends_of_series()}"  # noqa: S608
        if order:
            kept = ", ".join(map(quoted, needed)) if regrouped else listed
            sql = f"select {kept} from ({sql}) {self._sorted(query, order)}"  # noqa: S608
        elif needed != list(columns) and not windowed:
            sql = f"select {listed} from ({sql})"  # noqa: S608
        if selection.limit is not None:
            sql = f"select * from ({sql}) limit {query.bind(selection.limit)}"  # noqa: S608
            if selection.offset:
                sql += f" offset {query.bind(selection.offset)}"
        elif selection.offset:
            sql = f"select * from ({sql}) offset {query.bind(selection.offset)}"  # noqa: S608
        if regrouped:
            sql = f"select {listed} from ({sql}) {self._sorted(query, regrouped)}"  # noqa: S608
        return sql

    def _needed(self, columns: Sequence[str], *, windowed: bool) -> list[str]:
        """Return the columns to read: those asked for, and those that order and windows need."""
        wanted = [*columns, *([SERIES_KEY] if windowed else [])]
        if self.timeline is not None:
            wanted += [TIME, PLACE, *self._key_order()]
        elif self._is_reordered or self.selection.order:
            wanted += order_columns(self._has_time)
        for entry in (*self.selection.order, *self.selection.layout):
            wanted.append(entry.component)
            for level in self.above.get(entry.component, ()):
                wanted += level.dimensions
        return list(dict.fromkeys(wanted))

    @property
    def _is_reordered(self) -> bool:
        """True where rows come out of their order: from several versions, or by a join with what the leaves do not hold."""
        return (
            self.transaction is not None
            or self.timeline is not None
            or any(entry.component in self.above for entry in self.selection.filters)
        )

    def _all_rows(self, query: Query, needed: Sequence[str]) -> str:
        """Return SQL for the rows before windows, in key order."""
        read = [name for name in needed if name not in (ENTRY, PLACE)]
        if self.timeline is not None and self.timeline.start_days is not None:
            read.append(START_DAY)
        sql = " union all ".join(self._branches(query, read))
        if self.present is not None:
            key = observation_key(self._has_time)
            sql = (
                f"select * from ({sql}) anti join ({self.present.rows(query, key)}) "  # noqa: S608
                f"using ({', '.join(map(quoted, key))})"
            )
        if self.timeline is not None:
            sql = self._placed(query, sql, self.timeline)
        if self._is_reordered:
            order = ", ".join(map(quoted, self._key_order()))
            sql = f"select * from ({sql}) order by {order}"  # noqa: S608
        return sql

    def _placed(self, query: Query, sql: str, timeline: Timeline) -> str:
        """Return rows with the place of their period in the timeline, without those whose period it does not take."""
        listed = [f"unnest({query.bind(timeline.texts)}::varchar[]) as {TIME}"]
        key = [TIME]
        if timeline.start_days is not None:
            listed.append(f"unnest({query.bind(timeline.days)}::varchar[]) as {START_DAY}")
            key.append(START_DAY)
        listed.append(f"unnest({query.bind(list(timeline.taken))}::integer[]) as {ENTRY}")
        listed.append(f"unnest({query.bind(timeline.places)}::integer[]) as {PLACE}")
        return f"select * from ({sql}) join (select {', '.join(listed)}) using ({', '.join(key)})"  # noqa: S608

    def _key_order(self) -> list[str]:
        """Return the columns of the order of the key."""
        return [SERIES_KEY, ENTRY] if self.timeline is not None else order_columns(self._has_time)

    def _sorted(self, query: Query, order: Sequence[Order]) -> str:
        """Return an order that the selection asks for, that of the key at its end."""
        terms: list[str] = []
        joins: list[str] = []
        for entry in order:
            component = self._dsd[entry.component]
            value = quoted(component.id)
            levels = self.above.get(component.id, ())
            for join, above in joined_values(component.id, levels, self._dsd, query.bind):
                joins.append(join)
                value = f"coalesce({value}, {above})"
            columns = [value]
            if component.role is Role.TIME:
                columns = [PLACE] if self.timeline is not None else [PERIOD_START, PERIOD_END]
            elif is_numeric(component) and not component.is_multiple:
                columns = [f"try_cast({value} as double)", value]
            direction = "desc" if entry.descending else "asc"
            terms += [f"{column} {direction} nulls last" for column in columns]
        listed = ", ".join((*terms, *map(quoted, self._key_order())))
        return f"{' '.join(joins)} order by {listed}"

    def _ends_of_series(self) -> str:
        # A window with an empty OVER streams: the series key N rows away tells whether the series goes on.
        key = quoted(SERIES_KEY)
        wanted = []
        for count, function in ((self.selection.first_n, "lag"), (self.selection.last_n, "lead")):
            if count is not None and count > 0:
                away = f"{function}({key}, {int(count)}) over ()"
                wanted.append(f"{away} is distinct from {key}")
        return f"qualify {' or '.join(wanted)}" if wanted else "where false"

    def _branches(self, query: Query, columns: Sequence[str]) -> Iterable[str]:
        """Yield one SELECT for each run of leaves that have the same columns."""
        leaves = self.files
        if not leaves:
            yield self._empty(columns)
        start = 0
        for number in range(1, len(leaves) + 1):
            if (
                number == len(leaves)
                or leaves[number].columns != leaves[start].columns
                or leaves[number].kind != leaves[start].kind
            ):
                yield self._branch(query, leaves[start:number], columns)
                start = number

    def _empty(self, columns: Sequence[str]) -> str:
        listed = ", ".join(f"null::{self._type(name)} as {quoted(name)}" for name in columns)
        return f"select {listed} where false"

    def _type(self, name: str) -> str:
        if name in (PERIOD_START, PERIOD_END):
            return "date"
        if name in (SERIES_KEY, START_DAY):
            return "varchar"
        return "varchar[]" if self._dsd[name].is_multiple else "varchar"

    def _branch(self, query: Query, leaves: Sequence[Leaf], columns: Sequence[str]) -> str:
        branch = _Branch(self._dsd, leaves[0].columns, query, self.above, self.timeline)
        listed = ", ".join(f"{branch.column(name)} as {quoted(name)}" for name in columns)
        files = query.bind([str(self.root / leaf.path) for leaf in leaves])
        sql = f"select {listed} from read_parquet({files})"  # noqa: S608
        conditions = list(branch.conditions(self.selection))
        if self.transaction is not None:
            at = query.bind(self.transaction)
            conditions.append(f"{TX_FROM} <= {at}")
            if leaves[0].kind == HISTORY:
                conditions.append(f"{TX_TO} > {at}")
        if self.after is not None:
            conditions.append(f"{TX_FROM} > {query.bind(self.after)}")
        return sql + (" where " + " and ".join(conditions) if conditions else "")


@dataclass(frozen=True)
class _Branch:
    """Columns and conditions over leaves that all have the same columns."""

    dsd: Dsd
    stored: Mapping[str, bool]
    query: Query
    above: Above
    timeline: Timeline | None = None

    def column(self, name: str) -> str:
        """Return the expression of a component or of a column of the store."""
        if name == START_DAY:
            return self._start_day()
        if name.startswith("_"):
            return name
        component = self.dsd[name]
        stored = self.stored
        if name not in stored:
            return "null::varchar[]" if component.is_multiple else "null::varchar"
        if component.is_multiple and not stored[name]:
            return f"case when {quoted(name)} is not null then [{quoted(name)}] end"
        if stored[name] and not component.is_multiple:
            raise StoreError(
                f"{self.dsd.urn.short}: {name} is stored with several values, this version of the DSD allows "
                "one; read it with the version under which it was stored"
            )
        return quoted(name)

    def conditions(self, selection: Selection) -> Iterable[str]:
        """Yield the conjuncts of a selection."""
        if selection.keys:
            bounds = key_bounds(selection)
            if bounds.end is not None and not all(map(self._is_full, selection.keys)):
                # Lets row groups be skipped: they are sorted by series key.
                yield f"{SERIES_KEY} >= {self.query.bind(bounds.low)}"
                yield f"{SERIES_KEY} < {self.query.bind(bounds.end)}"
            yield _any_of(self._keys(selection.keys))
        for entry in selection.filters:
            yield self._filter(entry)
        if self.timeline is not None:
            yield from self._span(selection, self.timeline)
        elif selection.periods:
            yield _any_of(self._period(term) for term in selection.periods)

    def _span(self, selection: Selection, timeline: Timeline) -> Iterable[str]:
        """Yield bounds of the periods that a timeline takes: rows are chosen one by one after that."""
        if not selection.periods:
            return
        if timeline.span is None:
            yield "false"
            return
        first, last = map(self.query.bind, timeline.span)
        yield f"{PERIOD_START} >= {first}"
        yield f"{PERIOD_END} <= {last}"

    def _start_day(self) -> str:
        """Return the start of the reporting year of a row: its own, or that of its series, group or dataset."""
        found = [self.column(REPORTING_YEAR_START_DAY)]
        for level in (self.timeline.start_days or ()) if self.timeline else ():
            if not level.dimensions:
                found += map(self.query.bind, level.values.values())
                continue
            by_day: dict[object, list[str]] = {}
            for key, day in level.values.items():
                by_day.setdefault(day, []).append(key)
            cases = " ".join(
                f"when {level.key(self.dsd)} in (select unnest({self.query.bind(keys)}::varchar[])) "
                f"then {self.query.bind(day)}"
                for day, keys in by_day.items()
            )
            found.append(f"case {cases} end")
        return f"coalesce({', '.join(found)}, {self.query.bind(DEFAULT_START_DAY)})"

    def _is_full(self, key: dict[str, frozenset[str]]) -> bool:
        return all(len(key.get(name, ())) == 1 for name in self.dsd.series_ids)

    def _keys(self, keys: Iterable[dict[str, frozenset[str]]]) -> Iterable[str]:
        """Yield conditions of which a row meets one: many keys that name one code each of the same dimensions are looked up."""
        alike: dict[tuple[str, ...], list[dict[str, frozenset[str]]]] = {}
        for key in keys:
            is_single = all(len(codes) == 1 for codes in key.values())
            names = tuple(name for name in self.dsd.series_ids if name in key) if is_single else ()
            alike.setdefault(names, []).append(key)
        for names, group in alike.items():
            if not names or len(group) <= FEW_VALUES:
                yield from map(self._key, group)
                continue
            texts = [KEY_SEPARATOR.join(next(iter(key[name])) for name in names) for key in group]
            yield self._one_of(joined_key(names, self.dsd), texts)

    def _key(self, key: dict[str, frozenset[str]]) -> str:
        parts = []
        rest = dict(key)
        if self._is_full(key):
            text = KEY_SEPARATOR.join(next(iter(rest.pop(name))) for name in self.dsd.series_ids)
            parts.append(f"{SERIES_KEY} = {self.query.bind(text)}")
        for name, codes in rest.items():
            parts.append(self._one_of(quoted(name), sorted(codes)) if codes else "false")
        return _all_of(parts)

    def _period(self, term: PeriodTerm) -> str:
        parts = []
        if term.starts_from is not None:
            parts.append(f"{PERIOD_START} >= {self.query.bind(term.starts_from)}")
        if term.ends_by is not None:
            parts.append(f"{PERIOD_END} <= {self.query.bind(term.ends_by)}")
        parts += [self._period_text(condition) for condition in term.texts]
        for first, last in term.not_within:
            low, high = self.query.bind(first), self.query.bind(last)
            parts.append(f"not ({PERIOD_START} >= {low} and {PERIOD_END} <= {high})")
        return _all_of(parts)

    def _period_text(self, condition: Condition) -> str:
        positive = NEGATED.get(condition.operator, condition.operator)
        time = self.dsd.time_dimension
        # Only a query on a DSD that has one is bound to periods.
        assert time is not None  # noqa: S101
        column, value = quoted(time.id), self.query.bind(condition.value)
        test = f"{_TEXT_FUNCTIONS[positive]}({column}, {value})"
        return test if positive is condition.operator else f"not {test}"

    def _filter(self, entry: ComponentFilter) -> str:
        component = self.dsd[entry.component]
        levels = self.above.get(component.id)
        if not levels:
            return self._filter_on_rows(component, entry)
        own = "false then false"  # A case has at least one condition.
        if component.id in self.stored:
            own = (
                f"{quoted(component.id)} is not null then {self._filter_on_rows(component, entry)}"
            )
        above = condition(entry, levels, self.dsd, self.query.bind)
        return f"case when {own} {above} end"

    def _filter_on_rows(self, component: ResolvedComponent, entry: ComponentFilter) -> str:
        if is_numeric(component):
            return _any_of(
                _all_of(self._condition(component, condition) for condition in term)
                for term in entry.terms
            )
        values = [term[0].value for term in entry.terms if is_value(term)]
        terms = [self._term(component, term) for term in entry.terms if not is_value(term)]
        return _any_of([*([self._equals(component, values)] if values else []), *terms])

    def _term(self, component: ResolvedComponent, term: tuple[Condition, ...]) -> str:
        """Return a conjunction, what the component must not equal at once."""
        excluded = [entry.value for entry in term if entry.operator is Operator.NE]
        parts = [
            self._condition(component, entry) for entry in term if entry.operator is not Operator.NE
        ]
        if excluded:
            parts.append(f"coalesce(not ({self._equals(component, excluded)}), true)")
        return _all_of(parts)

    def _equals(self, component: ResolvedComponent, values: Sequence[str]) -> str:
        column = self.column(component.id)
        if component.is_multiple:
            return f"len(list_filter({column}, lambda x: {self._one_of('x', values)})) > 0"
        return self._one_of(column, values)

    def _one_of(self, column: str, values: Sequence[str]) -> str:
        """Return a look-up of a text among values."""
        distinct = list(dict.fromkeys(values))
        if len(distinct) <= FEW_VALUES:
            return f"{column} in ({', '.join(map(self.query.bind, distinct))})"
        listed = f"{self.query.bind(distinct)}::varchar[]"
        return f"map_contains(map({listed}, {listed}), {column})"

    def _condition(self, component: ResolvedComponent, condition: Condition) -> str:
        positive = NEGATED.get(condition.operator)
        column = self.column(component.id)
        if positive is not None:
            # What is absent does not equal the value, nor contain it.
            inner = self._condition(component, Condition(positive, condition.value))
            return f"coalesce(not ({inner}), true)"
        if component.is_multiple:
            test = self._test("x", component, condition)
            return f"len(list_filter({column}, lambda x: {test})) > 0"
        return self._test(column, component, condition)

    def _test(self, column: str, component: ResolvedComponent, condition: Condition) -> str:
        value = self.query.bind(condition.value)
        function = _TEXT_FUNCTIONS.get(condition.operator)
        if function is not None:
            return f"{function}({column}, {value})"
        sign = _COMPARISONS[condition.operator]
        text = f"{column} {sign} {value}"
        return _numeric(column, value, sign, text) if is_numeric(component) else text


def is_whole(selection: Selection) -> bool:
    """Tell whether a selection is a whole dataflow."""
    return selection == Selection(
        selection.dsd, component_ids=selection.component_ids, as_of=selection.as_of
    )


FEW_SERIES = 16


def is_few_series(selection: Selection) -> bool:
    """Tell whether a selection names each of its series in full, and only a few."""
    return 0 < len(selection.keys) <= FEW_SERIES and all(
        len(key.get(name, ())) == 1 for key in selection.keys for name in selection.dsd.series_ids
    )


def fixed_codes(selection: Selection) -> dict[str, str]:
    """Return the dimensions for which a selection leaves one code, and the code."""
    if not selection.keys:
        return {}
    first = selection.keys[0]
    return {
        name: next(iter(codes))
        for name, codes in first.items()
        if len(codes) == 1 and all(key.get(name) == codes for key in selection.keys)
    }


def _numeric(column: str, value: str, sign: str, text: str) -> str:
    """Compare as numbers; where doubles are equal, as decimals, so that long numbers stay apart.

    NaN and texts that are no numbers compare with nothing, except that equal texts are equal.
    """
    left, right = f"try_cast({column} as double)", f"try_cast({value} as double)"
    decimals = f"try_cast({column} as decimal(38, 6))", f"try_cast({value} as decimal(38, 6))"
    known = f"not isnan({left}) and not isnan({right})"
    tie = f"coalesce({decimals[0]} {sign} {decimals[1]}, {left} {sign} {right})"
    number = f"({known} and case when {left} = {right} then {tie} else {left} {sign} {right} end)"
    return f"({number} or {text})" if sign == "=" else number


def _any_of(parts: Iterable[str]) -> str:
    found = list(parts)
    return "(" + " or ".join(found) + ")" if found else "false"


def _all_of(parts: Iterable[str]) -> str:
    found = list(parts)
    return "(" + " and ".join(found) + ")" if found else "true"
