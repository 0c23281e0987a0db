"""Random queries through the service and through plain Python over the same rows: the same keys, values and attributes.

The other side shares nothing with the service: what a period covers stands in a table here, conditions are a few lines.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from dsd.batch import batches_from_rows
from dsd.dataset import Action, AttributeValues, Dataset
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.store import open_store
from service.store.protocol import SubmissionRecord
from tests.service.rest.json_message import Told, walked

Row = dict[str, str]

DF_T = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_T(1.0.0)"
SERIES = ("FREQ", "REF_AREA", "SEX")
KEY = (*SERIES, "TIME_PERIOD")
SPANS = {
    "2021": (date(2021, 1, 1), date(2021, 12, 31)),
    "2022": (date(2022, 1, 1), date(2022, 12, 31)),
    "2022-Q1": (date(2022, 1, 1), date(2022, 3, 31)),
    "2022-Q4": (date(2022, 10, 1), date(2022, 12, 31)),
    "2022-S2": (date(2022, 7, 1), date(2022, 12, 31)),
    "2022-12": (date(2022, 12, 1), date(2022, 12, 31)),
    "2022-W52": (date(2022, 12, 26), date(2023, 1, 1)),
    "2023-01-15": (date(2023, 1, 15), date(2023, 1, 15)),
    "2023": (date(2023, 1, 1), date(2023, 12, 31)),
    "2023-M06": (date(2023, 6, 1), date(2023, 6, 30)),
}
AREAS, SEXES, FREQS = ("IDN", "LAO", "TLS"), ("SEX_T", "SEX_M", "SEX_F"), ("A", "Q")
NUMBERS = ("1", "2.50", "10", "-3", "0", "1e2", None, "NaN")
STATUSES = ("A", "E", "B")
NOTES = ("first", "second note", "x;y", None, "#N/A")
METHODS = (("M1", "M2"), None, ("M3",), None, ("M2",))
AGES = ("15", None, "9", "100")
UNITS = ("PS", None, "PC")

# -- the observations and their history ------------------------------------------------------------

ABOVE = {
    # Each attribute with what its value depends on.
    "UNIT_MEASURE": SERIES,
    "COVERAGE": ("REF_AREA",),
    "TITLE": (),
}
LEVELS = {
    "dsd": (),
    "msd": (),
    "none": (),
    "dataset": ("TITLE",),
    "series": ("UNIT_MEASURE", "COVERAGE"),
    "obs": ("OBS_STATUS", "NOTE", "METHOD", "AGE_MIN"),
}
ON_OBSERVATIONS = LEVELS["obs"]
ATTRIBUTES = (*ON_OBSERVATIONS, *ABOVE)
LEVELS["all"] = LEVELS["dsd"] = ATTRIBUTES

BEFORE, BETWEEN, AFTER = (datetime(2026, 1, day, 12, tzinfo=UTC) for day in (1, 2, 3))


def observations() -> list[Row]:
    """Return some of all possible rows, by a fixed pattern."""
    found = []
    number = 0
    for freq in FREQS:
        for area in AREAS:
            for sex in SEXES:
                for time in SPANS:
                    number += 1
                    if number % 7 in (2, 5) or (area == "TLS" and sex == "SEX_F"):
                        continue
                    method = METHODS[number % len(METHODS)]
                    row = {
                        "FREQ": freq,
                        "REF_AREA": area,
                        "SEX": sex,
                        "TIME_PERIOD": time,
                        "OBS_VALUE": NUMBERS[number % len(NUMBERS)],
                        "OBS_STATUS": STATUSES[number % len(STATUSES)],
                        "NOTE": NOTES[number % len(NOTES)],
                        "METHOD": method and ";".join(method),
                        "AGE_MIN": AGES[number % len(AGES)],
                    }
                    found.append({id: text for id, text in row.items() if text})
    return found


FIRST = observations()[::3] + observations()[1::3]
REVISED = [row | {"OBS_VALUE": "42", "OBS_STATUS": "E"} for row in FIRST[::5]]
ADDED = observations()[2::6]
GONE = FIRST[1::9]


def key_of(row: Row, names: tuple[str, ...] = KEY) -> tuple[str, ...]:
    return tuple(row[id] for id in names)


def present() -> list[Row]:
    gone = {key_of(row) for row in GONE}
    rows = {key_of(row): row for row in (*FIRST, *REVISED, *ADDED)}
    return [row for key, row in rows.items() if key not in gone]


def values_above() -> list[tuple[Row, Row]]:
    """Return values above the observation with their keys; no series has one that has no observation."""
    found: list[tuple[Row, Row]] = [({}, {"TITLE": "The euro"})]
    found += [
        ({"REF_AREA": "IDN"}, {"COVERAGE": "Whole"}),
        ({"REF_AREA": "LAO"}, {"COVERAGE": "9"}),
    ]
    for number, key in enumerate(sorted({key_of(row, SERIES) for row in FIRST})):
        if unit := UNITS[number % len(UNITS)]:
            found.append((dict(zip(SERIES, key, strict=True)), {"UNIT_MEASURE": unit}))
    return found


VALUES_ABOVE = values_above()


def joined(rows: list[Row]) -> list[Row]:
    """Return rows with what stands above them."""
    found = []
    for row in rows:
        whole = dict(row)
        for key, values in VALUES_ABOVE:
            if key.items() <= row.items():
                whole |= values
        found.append(whole)
    return found


NOW, THEN = joined(present()), joined(FIRST)
GONE_KEYS = {key_of(row) for row in GONE}
CHANGED_KEYS = {key_of(row) for row in (*REVISED, *ADDED)} - GONE_KEYS


@pytest.fixture(scope="module")
def random_client(
    examples: Path,
    tmp_path_factory: pytest.TempPathFactory,
    client_of: Callable[[Flask], FlaskClient],
) -> Iterator[FlaskClient]:
    body = (examples / "formats" / "structures" / "structures.json").read_bytes()
    structures = Structures(decode_structures(body).data.all())
    folder = tmp_path_factory.mktemp("random")
    now = [BEFORE]
    own = Settings(
        store_folder=folder / "store", temporary_folder=folder / "temporary", clock=lambda: now[0]
    )
    store = open_store(own)
    dsd = structures.dsd(DF_T)

    def batches(rows: list[Row]) -> Any:
        listed = [
            row | {"METHOD": row["METHOD"].split(";")} if "METHOD" in row else row for row in rows
        ]
        return batches_from_rows(dsd, listed)

    above = [AttributeValues(key, dict(values)) for key, values in VALUES_ABOVE]
    store.write([Dataset(dsd, batches(FIRST), attributes=above)], SubmissionRecord("first"))
    now[0] = AFTER
    keys = [{id: row[id] for id in KEY} for row in GONE]
    store.write(
        [
            Dataset(dsd, batches([*REVISED, *ADDED])),
            Dataset(dsd, batches_from_rows(dsd, keys), Action.DELETE),
        ],
        SubmissionRecord("second"),
    )
    yield client_of(create_app(own, structures, store))
    store.close()


# -- queries ---------------------------------------------------------------------------------------

Condition = tuple[str, str]
Terms = list[list[Condition]]
Sort = list[tuple[str, bool]]


@dataclass(frozen=True)
class Asked:
    """A query in no grammar."""

    keys: list[tuple[tuple[str, ...], ...]] = field(default_factory=list)
    """Partial keys: at each position the codes asked for, none for any."""
    filters: dict[str, Terms] = field(default_factory=dict)
    first: int | None = None
    last: int | None = None
    offset: int = 0
    limit: int | None = None
    at: str | None = None
    """The dimension at the observation."""
    attributes: tuple[str, ...] = ("dsd",)
    measures: tuple[str, ...] = ("all",)
    sort: Sort = field(default_factory=list)
    moment: str | None = None
    """`since` for what has changed since the first submission, `as_of` for what there was then."""

    @property
    def components(self) -> set[str]:
        """Return the measures and attributes asked for."""
        found = {id for word in self.attributes for id in LEVELS.get(word, (word,))}
        return found | ({"OBS_VALUE"} if self.measures != ("none",) else set())

    @property
    def is_of_series(self) -> bool:
        """True where nothing is asked for that an observation has a value of its own of."""
        return not self.components & {"OBS_VALUE", *ON_OBSERVATIONS}

    @property
    def is_by_series(self) -> bool:
        return self.at != "AllDimensions"


def few(*codes: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(codes), max_size=2, unique=True).map(tuple)


def one(*codes: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sampled_from([(), *((code,) for code in codes)])


key_v1 = st.tuples(few(*FREQS), few(*AREAS, "XXX"), few(*SEXES))
keys_v2 = st.lists(st.tuples(one(*FREQS), one(*AREAS, "XXX"), one(*SEXES)), max_size=3)


def terms(operators: list[str], values: list[str]) -> st.SearchStrategy[Terms]:
    condition = st.tuples(st.sampled_from(operators), st.sampled_from(values))
    return st.lists(st.lists(condition, min_size=1, max_size=2), min_size=1, max_size=2)


IN_ORDER = ["eq", "ne", "lt", "le", "gt", "ge"]
OPERATORS = [*IN_ORDER, "co", "nc", "sw", "ew"]
CONDITIONS = {
    "REF_AREA": terms(OPERATORS, [*AREAS, "N", "XXX"]),
    "SEX": terms(OPERATORS, ["SEX_M", "SEX_F", "F", "SEX"]),
    "OBS_VALUE": terms(OPERATORS, ["1", "2.5", "10", "100", "-3", "NaN"]),
    "OBS_STATUS": terms(OPERATORS, ["A", "E", "B"]),
    "NOTE": terms(OPERATORS, ["first", "note", "s", "#N/A"]),
    "METHOD": terms(OPERATORS, ["M1", "M2", "M", "3"]),
    "AGE_MIN": terms(OPERATORS, ["9", "15.0", "100", "1"]),
    "UNIT_MEASURE": terms(OPERATORS, ["PS", "PC", "P"]),
    "COVERAGE": terms(OPERATORS, ["Whole", "9", "Who"]),
    "TITLE": terms(OPERATORS, ["The euro", "euro", "x"]),
    "TIME_PERIOD": terms(IN_ORDER, list(SPANS)),
}
filters = st.lists(st.sampled_from(list(CONDITIONS)), max_size=2, unique=True).flatmap(
    lambda ids: st.fixed_dictionaries({id: CONDITIONS[id] for id in ids})
)
sorts = st.lists(
    st.tuples(st.sampled_from([*KEY, "OBS_VALUE", *ATTRIBUTES, "*", "series_key"]), st.booleans()),
    max_size=3,
)


def seldom(strategy: st.SearchStrategy[Any], otherwise: Any = None) -> st.SearchStrategy[Any]:
    return st.one_of(st.just(otherwise), st.just(otherwise), strategy)


number = seldom(st.integers(1, 3))
chosen = st.one_of(
    st.just(("none",)),
    st.lists(
        st.sampled_from(["dsd", "msd", "dataset", "series", "obs", "all", *ATTRIBUTES]),
        min_size=1,
        max_size=3,
        unique=True,
    ).map(tuple),
)
at = seldom(st.sampled_from(["TIME_PERIOD", "AllDimensions", "SEX", "REF_AREA"]))
queries_v2 = st.builds(
    Asked,
    keys=keys_v2,
    filters=filters,
    first=number,
    last=number,
    offset=seldom(st.integers(0, 60), 0),
    limit=seldom(st.integers(1, 40)),
    at=at,
    attributes=seldom(chosen, ("dsd",)),
    measures=seldom(st.sampled_from([("none",), ("OBS_VALUE",)]), ("all",)),
    sort=seldom(sorts, []),
    moment=st.sampled_from([*[None] * 7, "since", "as_of"]),
)
DETAILS = {
    "full": (("dsd",), ("all",)),
    "dataonly": (("none",), ("all",)),
    "serieskeysonly": (("none",), ("none",)),
    "nodata": (("dataset", "series"), ("none",)),
}
period = seldom(st.sampled_from(list(SPANS)))


def between(start: str | None, end: str | None) -> dict[str, Terms]:
    bounds = [("ge", start)] if start else []
    bounds += [("le", end)] if end else []
    return {"TIME_PERIOD": [bounds]} if bounds else {}


queries_v1 = st.builds(
    lambda key, start, end, detail, **more: Asked(
        [key] if any(key) else [],
        between(start, end),
        attributes=DETAILS[detail][0],
        measures=DETAILS[detail][1],
        **more,
    ),
    key=key_v1,
    start=period,
    end=period,
    detail=seldom(st.sampled_from(list(DETAILS)), "full"),
    first=number,
    last=number,
    at=at,
    moment=st.sampled_from([*[None] * 7, "since"]),
)

# -- what plain Python finds -----------------------------------------------------------------------

COMPARED = {
    "eq": lambda left, right: left == right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "co": lambda left, right: right in left,
    "sw": lambda left, right: left.startswith(right),
    "ew": lambda left, right: left.endswith(right),
}
OPPOSITE = {"ne": "eq", "nc": "co"}


def holds(row: Row, component: str, condition: Condition) -> bool:
    operator, value = condition
    if operator in OPPOSITE:
        return not holds(row, component, (OPPOSITE[operator], value))
    found = row.get(component)
    if found is None:
        return False
    if component == "TIME_PERIOD":
        (start, end), (low, high) = SPANS[found], SPANS[value]
        return {
            "eq": low <= start and end <= high,
            "lt": end < low,
            "le": end <= high,
            "gt": start > high,
            "ge": start >= low,
        }[operator]
    if component in ("OBS_VALUE", "AGE_MIN") and operator in IN_ORDER:
        left, right = float(found), float(value)
        return COMPARED[operator](left, right) or (operator == "eq" and found == value)
    texts = found.split(";") if component == "METHOD" else [found]
    return any(COMPARED[operator](text, value) for text in texts)


def passes(row: Row, asked: Asked) -> bool:
    named = not asked.keys or any(
        all(not codes or row[id] in codes for id, codes in zip(SERIES, key, strict=True))
        for key in asked.keys
    )
    return named and all(
        any(all(holds(row, component, c) for c in term) for term in alternatives)
        for component, alternatives in asked.filters.items()
    )


def in_key_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (key_of(row, SERIES), SPANS[row["TIME_PERIOD"]]))


def ends_of_series(rows: list[Row], first: int | None, last: int | None) -> list[Row]:
    """Return the ends of each series, in the order of the key."""
    series: dict[tuple[str, ...], list[Row]] = {}
    for row in in_key_order(rows):
        series.setdefault(key_of(row, SERIES), []).append(row)
    return [
        row
        for entries in series.values()
        for place, row in enumerate(entries)
        if (first is None and last is None)
        or (first is not None and place < first)
        or (last is not None and place >= len(entries) - last)
    ]


def order_of(asked: Asked, *, by_series: bool) -> Sort:
    """Return what to sort by, in a layout by series so that the rows of each stand together."""
    at = asked.at or "TIME_PERIOD"
    series = [id for id in KEY if id != at] if asked.is_by_series else []
    words = {"*": KEY, "series_key": series}
    found: dict[str, bool] = {}
    for word, descending in asked.sort:
        for id in words.get(word, (word,)):
            found.setdefault(id, descending)
    if not found or not by_series or not asked.is_by_series:
        return list(found.items())
    outer = {id for id in found if id in series or (id in ABOVE and set(ABOVE[id]) <= {*series})}
    return [
        *((id, down) for id, down in found.items() if id in outer),
        *((id, False) for id in series if id not in found),
        *((id, down) for id, down in found.items() if id not in outer),
    ]


def place(row: Row, component: str) -> Any:
    text = row[component]
    if component == "TIME_PERIOD":
        return SPANS[text]
    if component in ("OBS_VALUE", "AGE_MIN"):
        return (float("inf") if text == "NaN" else float(text), text)
    return text.split(";") if component == "METHOD" else text


def in_order(rows: list[Row], order: Sort) -> list[Row]:
    """Return rows sorted; what is absent comes last, equal ones stay as they are."""
    for component, descending in reversed(order):
        here = [row for row in rows if component in row]
        away = [row for row in rows if component not in row]
        here.sort(key=lambda row, id=component: place(row, id), reverse=descending)
        rows = here + away
    return rows


def expected(asked: Asked, *, by_series: bool) -> list[tuple[str, list[Row]]]:
    """Return what the answer is to hold: the action and the rows of each data set."""
    order, layout = (order_of(asked, by_series=grouped) for grouped in (False, by_series))
    rows = [row for row in (THEN if asked.moment == "as_of" else NOW) if passes(row, asked)]
    if asked.moment == "since":
        rows = [row for row in rows if key_of(row) in CHANGED_KEYS]
    first, last = (1, None) if asked.is_of_series else (asked.first, asked.last)
    rows = in_order(ends_of_series(rows, first, last), order)
    whole = asked.components == {"OBS_VALUE", *ATTRIBUTES}
    names = (SERIES if asked.is_of_series else KEY), asked.components
    sets = [("Replace" if whole else "Merge", rows, (*names[0], *names[1]))]
    if asked.moment == "since" and not asked.is_of_series:
        gone = [row for row in THEN if passes(row, asked) and key_of(row) in GONE_KEYS]
        sets.append(("Delete", in_order(in_key_order(gone), order), KEY))
    found = []
    skip, left = asked.offset, len(NOW) if asked.limit is None else asked.limit
    for action, entries, shown in sets:
        taken = entries[skip : skip + left]
        skip, left = max(0, skip - len(entries)), left - len(taken)
        hidden = set(ABOVE) if asked.moment == "since" else set()
        if taken:
            # A page has the same rows in every layout.
            taken = in_order(in_key_order(taken), layout) if asked.sort else taken
            ids = set(shown) - hidden
            found.append((action, [{id: v for id, v in r.items() if id in ids} for r in taken]))
    return found


# -- answers ---------------------------------------------------------------------------------------


def told_by_csv(response: Any) -> list[Told]:
    """Rows of whole keys are observations (or series, where there is no column of periods), others stand above them."""
    sets: dict[str, Told] = {}
    words = {"R": "Replace", "M": "Merge", "D": "Delete", None: "Append"}
    reader = csv.DictReader(io.StringIO(response.text, newline=""))
    names = [name.removesuffix("[]") for name in reader.fieldnames or ()]
    reader.fieldnames = names
    keys = [id for id in KEY if id in names]
    seen: set[tuple[str, ...]] = set()
    for line in reader:
        told = sets.setdefault(words[line.get("ACTION")], Told(words[line.get("ACTION")], ""))
        row = {
            id: text for id, text in line.items() if text and id in (*KEY, *ATTRIBUTES, "OBS_VALUE")
        }
        key = {id: row.pop(id) for id in keys if id in row}
        if len(key) < len(keys):
            told.above.append((key, row))
        elif "TIME_PERIOD" in keys:
            told.rows.append(key | row)
        else:
            assert key_of(key, SERIES) not in seen or told.action == "Delete", (
                "a series stands twice"
            )
            if row:
                told.above.append((key, row))
            if key_of(key, SERIES) not in seen:
                told.rows.append(key)
            seen.add(key_of(key, SERIES))
    return list(sets.values())


def told_by_xml(response: Any) -> list[Told]:
    """SDMX-ML of both lines: what an element says holds for the elements in it."""
    found = []
    for dataset in etree.fromstring(response.data).iter("{*}DataSet"):
        told = Told(next(v for k, v in dataset.attrib.items() if k.endswith("action")), "")
        own = {k: v for k, v in dataset.attrib.items() if not k.startswith("{")}
        if own:
            told.above.append(({}, own))
        for element in dataset:
            values = values_of(element)
            if element.tag == "Obs":
                told.rows.append(values)
            elif element.tag == "Series":
                key = {id: text for id, text in values.items() if id in KEY}
                observed = [values_of(obs) | key for obs in element.iter("Obs")]
                told.rows += observed or [key]
                if len(values) > len(key):
                    told.above.append((key, {k: v for k, v in values.items() if k not in KEY}))
            else:
                key = {id: text for id, text in values.items() if id in KEY}
                told.above.append((key, {k: v for k, v in values.items() if k not in KEY}))
        found.append(told)
    return found


def values_of(element: Any) -> Row:
    found = {name: text for name, text in element.attrib.items() if not name.startswith("{")}
    for component in element.findall("Comp"):
        found[component.get("id")] = ";".join(value.text for value in component)
    return found


FORMATS: dict[str, Callable[[Any], list[Told]]] = {
    "csvdata": told_by_csv,
    "jsondata": lambda response: walked(response.json),
    "structurespecificdata": told_by_xml,
}


def whole(told: Told) -> list[Row]:
    """Return the rows with what the answer has above them; nothing stands above no row."""
    found = [dict(row) for row in told.rows]
    for key, values in told.above:
        below = [row for row in found if key.items() <= row.items()]
        assert below, f"{values} above nothing"
        for row in below:
            assert not row.keys() & values.keys()
            row.update(values)
    return found


def shown(row: Row) -> dict[str, Any]:
    """Return what is compared; a number by its value, since JSON has `2.5` for `2.50`."""
    found: dict[str, Any] = dict(row)
    value = found.get("OBS_VALUE")
    if value not in (None, "NaN"):
        found["OBS_VALUE"] = float(value)
    return found


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: [row.get(id, "") for id in KEY])


def check(client: FlaskClient, url: str, asked: Asked, line: str) -> None:
    # Nothing is nothing in every format.
    formats = list(FORMATS.items())[: None if expected(asked, by_series=False) else 1]
    for name, read in formats:
        is_csv = name == "csvdata"
        wanted = expected(asked, by_series=not is_csv)
        response = client.get(f"{url}&format={name}")
        deletes = any(action == "Delete" for action, _ in wanted)
        if asked.is_of_series and asked.at not in (None, "TIME_PERIOD"):
            # Series alone are those over time; where nothing is found that is told first.
            assert response.status_code in (406, 204, 404), url
        elif not wanted:
            assert response.status_code == (404 if line == "v1" else 204), url
        elif line == "v1" and is_csv and deletes:
            assert response.status_code == 406, url
        else:
            assert response.status_code == 200, f"{url}: {response.text}"
            merged = "Merge" if line == "v2" else "Append"
            if line == "v1" and is_csv:
                wanted = [("Append", rows) for _, rows in wanted]
            told = read(response)
            assert [t.action for t in told] == [
                merged if action == "Merge" else action for action, _ in wanted
            ], url
            for dataset, (_, rows) in zip(told, wanted, strict=True):
                found = [shown(row) for row in whole(dataset)]
                there = [shown(row) for row in rows]
                if not is_csv and asked.at in ("SEX", "REF_AREA"):
                    # Sections gather rows that are apart in the order of the key.
                    found, there = ordered(found), ordered(there)
                assert found == there, f"{url} ({name})"


def numbers(**given_: Any) -> list[str]:
    return [f"{name}={value}" for name, value in given_.items() if value not in (None, "")]


def moments(asked: Asked) -> dict[str, str | None]:
    instant = BETWEEN.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "updatedAfter": instant if asked.moment == "since" else None,
        "asOf": instant if asked.moment == "as_of" else None,
    }


def trimmed(key: tuple[tuple[str, ...], ...]) -> str:
    """Return a key of 2.2; dimensions at its end are left out where any will do."""
    codes = [position[0] if position else "*" for position in key]
    while len(codes) > 1 and codes[-1] == "*":
        codes.pop()
    return ".".join(codes)


def try_v2(client: FlaskClient, asked: Asked) -> None:
    conditions = [
        f"c[{component}]="
        + ",".join("+".join(f"{o}:{v}" for o, v in term) for term in alternatives)
        for component, alternatives in asked.filters.items()
    ]
    parameters = numbers(
        firstNObservations=asked.first,
        lastNObservations=asked.last,
        offset=asked.offset or None,
        limit=asked.limit,
        dimensionAtObservation=asked.at,
        attributes=",".join(asked.attributes),
        measures=",".join(asked.measures),
        sort="+".join(f"{id}:desc" if down else id for id, down in asked.sort),
        **moments(asked),
    )
    key = ",".join(map(trimmed, asked.keys)) or "*"
    flow = f"dataflow/TST/DF_T/1.0.0/{key}"
    check(client, f"/sdmx/v2/data/{flow}?{escaped([*conditions, *parameters])}", asked, "v2")
    if asked.moment is None and asked.limit is None and not (asked.first or asked.last):
        url = f"/sdmx/v2/availability/{flow}?{escaped(conditions)}"
        check_availability(client, url, [row for row in NOW if passes(row, asked)])


def escaped(parameters: list[str]) -> str:
    return "&".join(parameters).replace("#", "%23").replace(" ", "%20")


def check_availability(client: FlaskClient, url: str, rows: list[Row]) -> None:
    """Availability counts what the data query finds, and lists its values."""
    response = client.get(url)
    if not rows:
        assert response.status_code == 204, url
        return
    assert response.status_code == 200, f"{url}: {response.text}"
    (found,) = response.json["data"]["availabilityConstraints"]
    assert found["obsCount"] == len(rows), url
    assert found["seriesCount"] == len({key_of(row, SERIES) for row in rows}), url
    values = {
        entry["id"]: entry["values"]
        for entry in found["cubeRegion"]["keyValues"]
        if "values" in entry
    }
    assert {id: set(texts) for id, texts in values.items()} == {
        id: {row[id] for row in rows} for id in SERIES
    }, url


def try_v1(client: FlaskClient, asked: Asked) -> None:
    ((bounds,),) = asked.filters.values() or (([],),)
    periods = {"ge": None, "le": None} | dict(bounds)
    detail = next(
        name for name, what in DETAILS.items() if what == (asked.attributes, asked.measures)
    )
    parameters = numbers(
        startPeriod=periods["ge"],
        endPeriod=periods["le"],
        firstNObservations=asked.first,
        lastNObservations=asked.last,
        dimensionAtObservation=asked.at,
        detail=detail,
        **moments(asked),
    )
    (key,) = asked.keys or [((), (), ())]
    text = ".".join("+".join(codes) for codes in key)
    check(client, f"/sdmx/v1/data/TST,DF_T,1.0.0/{text}?{'&'.join(parameters)}", asked, "v1")


def test_35_a_series_alone_stands_on_one_row_with_its_attributes(random_client) -> None:
    query = "attributes=dataset,series&measures=none&format=csvdata"
    response = random_client.get(f"/sdmx/v2/data/dataflow/TST/DF_T/1.0.0/A.LAO?{query}")
    assert response.text.splitlines() == [
        "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,SEX,UNIT_MEASURE,COVERAGE,TITLE",
        "dataflow,TST:DF_T(1.0.0),M,,,,,,The euro",
        "dataflow,TST:DF_T(1.0.0),M,,LAO,,,9,",
        "dataflow,TST:DF_T(1.0.0),M,A,LAO,SEX_F,PS,,",
        "dataflow,TST:DF_T(1.0.0),M,A,LAO,SEX_M,,,",
        "dataflow,TST:DF_T(1.0.0),M,A,LAO,SEX_T,PC,,",
    ]


relaxed = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@given(asked=queries_v2)
@settings(max_examples=1000, **relaxed)
def test_queries_of_2_2_find_what_plain_python_finds(random_client, asked):
    try_v2(random_client, asked)


@given(asked=queries_v1)
@settings(max_examples=1000, **relaxed)
def test_queries_of_1_5_find_what_plain_python_finds(random_client, asked):
    try_v1(random_client, asked)


@pytest.mark.long
@given(asked=queries_v2)
@settings(max_examples=20_000, **relaxed)
def test_many_thousands_of_queries_of_2_2(random_client, asked):
    try_v2(random_client, asked)


@pytest.mark.long
@given(asked=queries_v1)
@settings(max_examples=20_000, **relaxed)
def test_many_thousands_of_queries_of_1_5(random_client, asked):
    try_v1(random_client, asked)
