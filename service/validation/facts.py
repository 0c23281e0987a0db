"""Keys and amounts of a whole dataset, narrow enough for questions over all rows at once.

The pass over the batches writes one line of integers a row into a DuckDB table, which spills to disk past
its memory limit. A key is one whole number (mixed radix over the dimensions), so that "the same cell with
the total in place of the part" is an addition. Sums are taken in binary only to find candidates, with room
for its error; every candidate is then decided on the reported texts in decimal arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dsd.dataset import AttributeValues
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.time_period import PeriodSyntaxError, parse_period
from service.validation.concepts import UNIT_MEASURE, UNIT_MULT
from service.validation.partitions import Partition, breakdowns
from service.validation.rows import Array, Rows

_PLAIN_NUMBER = r"^-?[0-9]{1,20}(\.[0-9]{1,20})?$"
DIGITS = 300
"""Precision with which sums are decided: enough for every figure that takes part, with its multiplier."""
_LONGEST = 50
"""A figure of more digits, or of a larger power of ten, takes part in no sum; no count of people is so long."""
_LARGEST_BIGINT = 2**63 - 1
# What stands for a value that is absent or unknown; no code is an empty text.
_UNREAD, _UNRESOLVED = "", 0
_MANY_UNREAD = 1000


@dataclass(frozen=True)
class Cell:
    """One reported figure that takes part in a sum."""

    code: str
    """Code of the dimension that is summed over."""
    text: str
    """As reported."""
    multiplier: int
    """Power of ten, as UNIT_MULT has it."""
    number: int
    """Its row."""

    @property
    def amount(self) -> Decimal:
        """The figure in units, exact."""
        return Decimal(self.text).scaleb(self.multiplier)


@dataclass(frozen=True)
class Sum:
    """A total, the parts that were reported beside it, and what rounding may explain.

    Exact in a decimal context of `DIGITS`.
    """

    partition: Partition
    number: int
    """Row of the total."""
    total: Cell
    parts: tuple[Cell, ...]
    aggregates: tuple[Cell, ...]
    """Codes reported beside the parts that belong to no partition: a group of countries, say."""
    is_complete: bool
    """True where every required part is there with a figure, and nothing without one."""
    rounding_unit: Decimal
    """The finest step reported in the same table, area, source and period, in units."""

    @property
    def of_parts(self) -> Decimal:
        """The sum of the parts, in units."""
        return sum((part.amount for part in self.parts), Decimal(0))

    @property
    def difference(self) -> Decimal:
        """How much the parts are above what the total allows: negative where they are below, else zero.

        An aggregate may repeat parts or stand for some that are not reported, so that with aggregates
        the total may be any amount from the sum without them to the sum with them.
        """
        over = self.of_parts - self.total.amount
        if over >= 0 or not self.is_complete:
            return max(over, Decimal(0))
        return min(over + sum((cell.amount for cell in self.aggregates), Decimal(0)), Decimal(0))

    def tolerance(self, parts: int) -> Decimal:
        """Return what rounding of the total and of so many parts may add up to, inclusive."""
        return (parts + 1) * self.rounding_unit / 2


class Facts:
    """What set rules ask: duplicates, sums and series of one dataset."""

    def __init__(
        self,
        dsd: Dsd,
        connection: duckdb.DuckDBPyConnection,
        attributes: tuple[AttributeValues, ...] = (),
        unread: Sequence[Mapping[str, str]] = (),
    ) -> None:
        self._unread = unread
        # What is said once for the whole dataset holds for each row without a value of its own.
        self._of_dataset = {
            id: value for entry in attributes if not entry.key for id, value in entry.values.items()
        }
        self._connection = connection
        self._interners = {
            component.id: _Interner(component)
            for component in dsd.of_role(Role.DIMENSION, Role.TIME)
        }
        self._measure = dsd.measures[0].id if len(dsd.measures) == 1 else None
        self._has_multiplier = UNIT_MULT in dsd
        self._breakdowns = breakdowns(dsd)
        self._units: dict[str, int] = {}
        self._time = dsd.time_dimension.id if dsd.time_dimension else None
        self._columns = {id: f"d{place}" for place, id in enumerate(self._interners)}
        dimensions = "".join(f"{column} INTEGER, " for column in self._columns.values())
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE facts (number BIGINT, {dimensions}resolved BOOLEAN, "
            "unit INTEGER, multiplier INTEGER, text VARCHAR, amount DOUBLE, exponent INTEGER)"
        )
        self._weights: dict[str, int] = {}

    def feed(self, rows: Rows) -> None:
        """Take in the rows of a batch that bring data."""
        columns: dict[str, Array] = {
            "number": pa.array(range(rows.first_number, rows.first_number + len(rows)), pa.int64())
        }
        resolved = pa.repeat(pa.scalar(True), len(rows))
        for id, interner in self._interners.items():
            column = interner.indices(rows)
            columns[self._columns[id]] = column
            resolved = pc.and_(resolved, pc.not_equal(column, _UNRESOLVED))
        columns["resolved"] = resolved
        columns |= self._amounts(rows)
        # A row whose place is not known has no part in a sum; that it is there, still matters.
        columns["amount"] = pc.if_else(resolved, columns["amount"], None)
        table = pa.table(columns)
        if rows.live is not None:
            table = table.filter(rows.live)
        self._connection.register("incoming", table)
        self._connection.execute("INSERT INTO facts SELECT * FROM incoming")
        self._connection.unregister("incoming")

    def _amounts(self, rows: Rows) -> dict[str, Array]:
        multiplier = self._multipliers(rows)
        texts = rows.column(self._measure) if self._measure else None
        if texts is None:
            texts = pa.nulls(len(rows), pa.string())
        elif pa.types.is_dictionary(texts.type):
            texts = texts.cast(pa.string())
        plain = pc.fill_null(pc.match_substring_regex(texts, _PLAIN_NUMBER), False)
        number = pc.if_else(plain, texts, None)
        point = pc.find_substring(number, ".")
        digits = pc.if_else(
            pc.less(point, 0), 0, pc.subtract(pc.subtract(pc.utf8_length(number), point), 1)
        )
        amount = number.cast(pa.float64())
        others = pc.and_(pc.invert(plain), texts.is_valid())
        if pc.any(others).as_py():
            amount, digits = _odd_numbers(texts, others, amount, digits)
        scale = pc.power(pa.scalar(10.0), multiplier.cast(pa.float64()))
        return {
            "unit": self._unit(rows),
            "multiplier": multiplier,
            "text": texts,
            "amount": pc.multiply(amount, scale),
            "exponent": pc.subtract(multiplier, digits.cast(pa.int32())),
        }

    def _multipliers(self, rows: Rows) -> Array:
        """Return the power of ten by row; null where it is not stated, so that no sum is taken."""
        if not self._has_multiplier:
            return pa.repeat(pa.scalar(0, pa.int32()), len(rows))
        stated = pa.scalar(_power(self._of_dataset.get(UNIT_MULT)), pa.int32())
        encoded = rows.encoded(UNIT_MULT)
        if encoded is None:
            return pa.repeat(stated, len(rows))
        powers = [_power(text) for text in encoded.dictionary.to_pylist()]
        return pc.coalesce(pa.array(powers, pa.int32()).take(encoded.indices), stated)

    def _unit(self, rows: Rows) -> Array:
        encoded = rows.encoded(UNIT_MEASURE)
        if encoded is None:
            return pa.repeat(pa.scalar(-1, pa.int32()), len(rows))
        known = [
            self._units.setdefault(text, len(self._units))
            for text in encoded.dictionary.to_pylist()
        ]
        return pc.fill_null(pa.array(known, pa.int32()).take(encoded.indices), -1)

    def finish(self) -> None:
        """Compute keys once all rows are in."""
        weight = 1
        # What is summed over comes last in the key, so that from part to total is never far.
        for id in sorted(self._interners, key=lambda id: id not in self._breakdowns):
            self._weights[id] = weight
            weight *= len(self._interners[id])
        # With very long lists on very many dimensions a key outgrows 64 bits; 128 are slower, and enough.
        integer = "BIGINT" if weight <= _LARGEST_BIGINT else "HUGEINT"
        key = self._key_sql(self._interners, integer)
        rounding = self._key_sql(
            [id for id in self._interners if id not in self._breakdowns], integer
        )
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE keyed AS "  # noqa: S608 (column names are made here)
            f"SELECT *, {key} AS key, {rounding} AS rounding FROM facts"
        )
        self._connection.execute("DROP TABLE facts")
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE duplicates AS "
            "SELECT key FROM keyed WHERE resolved GROUP BY key HAVING count(*) > 1"
        )
        self._keep_unread()
        # Which of two figures for one cell is right is not for a sum to guess: it has none.
        self._connection.execute(
            "UPDATE keyed SET amount = NULL WHERE key IN (SELECT key FROM duplicates)"
        )

    def _keep_unread(self) -> None:
        """Keep where the rows could belong whose code could not be read: with them no set there is complete."""
        columns = ", ".join(self._columns.values())
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE unread AS SELECT DISTINCT {columns} "  # noqa: S608 (made here)
            f"FROM keyed WHERE NOT resolved LIMIT {_MANY_UNREAD}"
        )
        for key in self._unread[:_MANY_UNREAD]:
            numbers = [interner.number(key.get(id)) for id, interner in self._interners.items()]
            self._connection.execute(
                f"INSERT INTO unread VALUES ({', '.join('?' * len(numbers))})",  # noqa: S608
                numbers,
            )
        count = self._connection.execute("SELECT count(*) FROM unread").fetchone()
        if count and count[0] >= _MANY_UNREAD:
            # They could belong nearly anywhere: take it as everywhere, which is cheaper to ask.
            nothing = ", ".join(f"{column} = {_UNRESOLVED}" for column in self._columns.values())
            self._connection.execute(f"UPDATE unread SET {nothing}")  # noqa: S608 (made here)

    def _key_sql(self, ids: Sequence[str] | Mapping[str, object], integer: str) -> str:
        terms = [f"{self._columns[id]}::{integer} * {self._weights[id]}" for id in ids]
        return f"({' + '.join(terms) or '0'})::{integer}"

    def duplicates(self) -> list[list[int]]:
        """Return the row numbers of each key that occurs more than once, in order."""
        found = self._connection.execute(
            "SELECT list(number ORDER BY number) AS numbers FROM keyed "
            "SEMI JOIN duplicates USING (key) WHERE resolved GROUP BY key ORDER BY numbers[1]"
        ).fetchall()
        return [numbers for (numbers,) in found]

    def mixed_multipliers(self) -> list[tuple[int, list[int]]]:
        """Return (first row, multipliers) of each series that has more than one multiplier."""
        series = (
            f"key - {self._columns[self._time]}::HUGEINT * {self._weights[self._time]}"
            if self._time
            else "key"
        )
        return self._connection.execute(
            "WITH mixed AS (SELECT min(number) AS number, "  # noqa: S608 (column names are made here)
            f"list_sort(list_distinct(list(multiplier))) AS multipliers FROM keyed WHERE resolved GROUP BY {series} "
            "HAVING min(multiplier) <> max(multiplier)) SELECT number, multipliers FROM mixed ORDER BY number"
        ).fetchall()

    @cached_property
    def sums(self) -> tuple[Sum, ...]:
        """The sums that may be wrong: few more than those that are, in the order of the totals' rows."""
        found: list[Sum] = []
        for id, partitions in self._breakdowns.items():
            found += self._sums_over(id, partitions)
        return tuple(sorted(found, key=lambda entry: entry.number))

    def equal_parts(self, partitions: Sequence[Partition]) -> Iterator[Sum]:
        """Yield the parts (of those that the partitions name) that equal their total, other than zero.

        `number` is the row of the part here.
        """
        for partition in partitions:
            known = self._interners[partition.component].known
            for code in partition.parts:
                if code in known and partition.total in known:
                    yield from self._equal(partition, code)

    def _equal(self, partition: Partition, code: str) -> Iterator[Sum]:
        id = partition.component
        known = self._interners[id].known
        shift = (known[partition.total] - known[code]) * self._weights[id]
        found = self._connection.execute(
            "SELECT part.number, part.text, part.multiplier, total.number, total.text, "  # noqa: S608 (made here)
            "total.multiplier, part.exponent "
            "FROM keyed part JOIN keyed total ON total.key = part.key + $shift AND total.unit = part.unit "
            f"WHERE part.{self._columns[id]} = $code AND part.amount <> 0 "
            "AND abs(part.amount - total.amount) <= 1e-14 * abs(part.amount) ORDER BY part.number",
            {"shift": shift, "code": known[code]},
        ).fetchall()
        for number, text, multiplier, *of_total, exponent in found:
            part = Cell(code, text, multiplier, number)
            total_number, total_text, total_multiplier = of_total
            total = Cell(partition.total, total_text, total_multiplier, total_number)
            if part.amount == total.amount:
                yield Sum(partition, number, total, (part,), (), False, Decimal(1).scaleb(exponent))

    def _sums_over(self, id: str, partitions: tuple[Partition, ...]) -> Iterator[Sum]:
        interner = self._interners[id]
        parts = self._parts_table(interner, partitions)
        if parts.num_rows == 0:
            return
        self._connection.register("parts", parts)
        others = [column for column in self._columns.values() if column != self._columns[id]]
        could_be_here = " AND ".join(
            f"(unread.{column} = c.{column} OR unread.{column} = {_UNRESOLVED})"
            for column in others
        )
        candidates = self._connection.execute(
            _CANDIDATES.format(column=self._columns[id], could_be_here=could_be_here or "true"),
            {"finest": self._finest_unit},
        ).fetchall()
        self._connection.unregister("parts")
        codes = list(interner.known)
        for place, number, text, multiplier, exponent, is_complete, found in candidates:
            cells = [
                (
                    Cell(codes[cell["code"]], cell["text"], cell["multiplier"], cell["number"]),
                    cell["is_part"],
                )
                for cell in found
            ]
            yield Sum(
                partitions[place],
                number,
                Cell(partitions[place].total, text, multiplier, number),
                tuple(cell for cell, is_part in cells if is_part),
                tuple(cell for cell, is_part in cells if not is_part),
                is_complete,
                Decimal(1).scaleb(exponent),
            )

    @cached_property
    def _finest_unit(self) -> float | None:
        """The finest rounding unit of all: where binary sums are coarser, every sum is a candidate."""
        found = self._connection.execute(
            "SELECT pow(10.0, min(exponent)) FROM keyed WHERE amount IS NOT NULL"
        ).fetchone()
        return found[0] if found else None

    def _parts_table(self, interner: _Interner, partitions: tuple[Partition, ...]) -> Any:
        """Return a row for each code that occurs and each partition in which it has to do with the total."""
        known = interner.known
        all_parts = {code for partition in partitions for code in partition.parts}
        beside = known.keys() - all_parts - {p.total for p in partitions} - {_UNREAD}
        table: dict[str, list[int | bool]] = {name: [] for name in _PARTS.names}
        for place, partition in enumerate(partitions):
            if partition.total not in known:
                continue
            # A code in no partition may overlap any part of the grand total, but not those of a subtotal.
            others = () if partition.total in all_parts else sorted(beside)
            for codes, *flags in (
                ((partition.total,), False, False, True),
                (partition.required, True, True, False),
                (partition.optional, False, True, False),
                (others, False, False, False),
            ):
                for code in codes:
                    if code in known:
                        shift = (known[partition.total] - known[code]) * self._weights[interner.id]
                        row = (known[code], shift, place, len(partition.required), *flags)
                        for column, value in zip(table.values(), row, strict=True):
                            column.append(value)
        return pa.table(table, schema=_PARTS)


_PARTS = pa.schema(
    {
        "part": pa.int32(),
        "shift": pa.int64(),
        "place": pa.int32(),
        "needed": pa.int32(),
        "is_required": pa.bool_(),
        "is_part": pa.bool_(),
        "is_total": pa.bool_(),
    }
)
# {column} is the column of the dimension summed over. A total counts among the rows of its own sum, so that
# one grouping compares them; sums that are right to the last digit, nearly all, go no further. The slack is
# more than binary sums can be wrong by.
_CANDIDATES = """
WITH sums AS (
    SELECT f.key + p.shift AS total_key, p.place, f.unit, any_value(p.needed) AS needed,
        max(f.amount) FILTER (p.is_total) AS total,
        max(f.number) FILTER (p.is_total) AS number,
        coalesce(sum(f.amount) FILTER (p.is_part), 0) AS amount,
        coalesce(sum(f.amount) FILTER (NOT p.is_part AND NOT p.is_total), 0) AS beside,
        sum(abs(f.amount)) AS size, count(f.amount) - 1 AS n,
        max(f.amount) FILTER (NOT p.is_total) AS greatest,
        count(f.amount) FILTER (p.is_required) AS required,
        count(*) > count(f.amount) AS has_gap,
        (n + 5) * 5e-16 * size AS slack
    FROM keyed f JOIN parts p ON f.{column} = p.part
    GROUP BY f.key + p.shift, p.place, f.unit
    HAVING total IS NOT NULL AND n > 0
        AND (abs(total - amount) > slack OR greatest - total > slack OR slack >= $finest)
), units AS (
    SELECT rounding, min(exponent) AS exponent FROM keyed WHERE amount IS NOT NULL GROUP BY rounding
), candidates AS (
    SELECT t.*, s.place, s.total_key, s.n, s.slack, s.total, s.beside, s.greatest,
        s.amount AS of_parts, u.exponent AS finest, pow(10.0, u.exponent) AS unit_size,
        s.required = s.needed AND NOT s.has_gap AS is_complete
    FROM sums s JOIN keyed t USING (number) JOIN units u ON u.rounding = t.rounding
    WHERE s.amount - total > unit_size - slack
        OR is_complete AND total - s.amount - beside > unit_size - slack
        OR greatest - total > unit_size - slack
)
SELECT c.place, c.number, c.text, c.multiplier, c.finest,
    c.is_complete AND NOT EXISTS (SELECT 1 FROM unread WHERE {could_be_here}) AS is_complete,
    list({{'code': f.{column}, 'text': f.text, 'multiplier': f.multiplier, 'number': f.number, 'is_part': p.is_part}}
        ORDER BY f.number)
FROM candidates c JOIN parts p ON p.place = c.place AND NOT p.is_total
JOIN keyed f ON f.{column} = p.part AND f.key + p.shift = c.total_key AND f.unit = c.unit
WHERE f.amount IS NOT NULL
GROUP BY ALL ORDER BY ALL
"""


class _Interner:
    """Small numbers for the values of one dimension, over all batches."""

    def __init__(self, component: ResolvedComponent) -> None:
        self._component = component
        self.id = component.id
        self.known: dict[str, int] = {_UNREAD: _UNRESOLVED}
        """Code to number, in the order of the numbers. Of periods written in two ways, the first way."""
        self._numbers: dict[str, int] = {}
        self._periods: dict[object, int] = {}

    def __len__(self) -> int:
        return len(self.known)

    def indices(self, rows: Rows) -> Array:
        """Return the numbers of a column; that of nothing where a value is absent or not in the DSD."""
        encoded = rows.encoded(self._component.id)
        if encoded is None:
            return pa.repeat(pa.scalar(_UNRESOLVED, pa.int32()), len(rows))
        numbers = [self.number(text) for text in encoded.dictionary.to_pylist()]
        return pc.fill_null(pa.array(numbers, pa.int32()).take(encoded.indices), _UNRESOLVED)

    def number(self, text: str | None) -> int:
        """Return the number of a value; that of nothing where it is absent or not in the DSD."""
        if text is None:
            return _UNRESOLVED
        if text not in self._numbers:
            self._numbers[text] = self._new_number(text)
        return self._numbers[text]

    def _new_number(self, text: str) -> int:
        if self._component.role is Role.TIME:
            return self._period_number(text)
        if self._component.codelist is not None and text not in self._component.codes:
            return _UNRESOLVED
        return self.known.setdefault(text, len(self.known))

    def _period_number(self, text: str) -> int:
        try:
            period = parse_period(text, strict=False)
        except PeriodSyntaxError:
            return _UNRESOLVED
        # 2023 and 2023-A1 are the same year: a cell given under both is given twice.
        identity = (period.frequency, *period.place[:2])
        if identity not in self._periods:
            self._periods[identity] = self.known.setdefault(text, len(self.known))
        return self._periods[identity]


def _power(text: str | tuple[str, ...] | None) -> int | None:
    """Return the multiplier that a UNIT_MULT code writes, None where it is no sensible power of ten."""
    try:
        power = int(text) if isinstance(text, str) else 100
    except ValueError:
        return None
    return power if abs(power) <= 99 else None


def _odd_numbers(texts: Array, others: Array, amount: Array, digits: Array) -> tuple[Any, Any]:
    """Fill in the numbers that are long or written with a sign or an exponent, which are few."""
    amounts, places = amount.to_pylist(), digits.to_pylist()
    for index in pc.indices_nonzero(others).to_pylist():
        try:
            number = Decimal(texts[index].as_py())
        except InvalidOperation:
            continue
        digits_of, exponent = number.as_tuple()[1:]
        if isinstance(exponent, int) and max(abs(exponent), len(digits_of)) <= _LONGEST:
            amounts[index], places[index] = float(number), -exponent
    return pa.array(amounts, pa.float64()), pa.array(places, pa.int32())
