"""Reading SDMX-ML in bulk gives what reading it exactly gives: rows, places, attributes, findings, errors."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsd.batch import rows_of
from dsd.finding import Report
from dsd.structures import Structures
from service.formats.ml_reading import Ways, decode_ml
from service.formats.ml_reading.source import MessageSource

EXACT = Ways(chunk_bytes=0)
SDMX = "http://www.sdmx.org/resources/sdmxml/schemas"
FLOW = '<Ref agencyID="TST" id="DF_T" version="1.0.0"/>'
FLOW_URN = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_T(1.0.0)"
SERIES = '<Series FREQ="A" REF_AREA="IDN" SEX="SEX_T">'


def outcome(body: bytes, structures: Structures, ways: Ways) -> Any:
    report = Report()
    found = [
        (
            dataset.dsd.urn,
            dataset.action,
            dataset.said,
            list(rows_of(dataset.batches)),
            [(entry.key, entry.values) for entry in dataset.attributes],
        )
        for dataset in decode_ml(io.BytesIO(body), structures, report, ways=ways)
    ]
    return found, report.findings


def both(body: bytes, structures: Structures, chunk: int = 700) -> Any:
    exact = outcome(body, structures, EXACT)
    bulk = outcome(body, structures, Ways(chunk, 0))
    assert bulk == exact
    return exact


def read_in_bulk(body: bytes, chunk: int = 700) -> int:
    """Return how many bytes of a message are read in bulk."""
    source = MessageSource(io.BytesIO(body), Ways(chunk, 0))
    list(source.items())
    return source.bulk_bytes


def specific(content: str, version: str = "v2_1", dataset: str = "", root: str = "") -> str:
    """Return a structure-specific message."""
    named = FLOW if version == "v2_1" else FLOW_URN
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<m:StructureSpecificData xmlns:m="{SDMX}/{version}/message" '
        f'xmlns:c="{SDMX}/{version}/common" xmlns:ss="{SDMX}/{version}/data/structurespecific" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" {root}>\n'
        f'<m:Header><m:ID>T</m:ID><m:Structure structureID="S" dimensionAtObservation="TIME_PERIOD">'
        f"<c:StructureUsage>{named}</c:StructureUsage></m:Structure></m:Header>\n"
        f'<m:DataSet ss:structureRef="S" ss:action="Replace"{dataset}>\n{content}</m:DataSet>\n</m:StructureSpecificData>\n'
    )


def generic(content: str) -> str:
    """Return a generic message; `content` has its elements without a prefix."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<m:GenericData xmlns:m="{SDMX}/v2_1/message" '
        f'xmlns:c="{SDMX}/v2_1/common" xmlns="{SDMX}/v2_1/data/generic">\n'
        f'<m:Header><m:ID>T</m:ID><m:Structure structureID="S" dimensionAtObservation="TIME_PERIOD">'
        f"<c:StructureUsage>{FLOW}</c:StructureUsage></m:Structure></m:Header>\n"
        f'<m:DataSet structureRef="S" action="Replace">\n{content}</m:DataSet>\n</m:GenericData>\n'
    )


def chance(seed: object) -> random.Random:
    return random.Random(str(seed))  # noqa: S311


def value(id: str, text: str, *, swapped: bool) -> str:
    if swapped:
        return f'<Value value="{text}" id="{id}"/>'
    return f'<Value id="{id}" value="{text}"/>'


TEXTS = [
    "plain",
    "a &amp; b",
    "&#xe9;t&#233;",
    "é😀",
    "&quot;&lt;&gt;&apos;",
    "x > y",
    "",
    "'",
    "&#10;",
]


def noted_xml(rng: random.Random, share: float) -> str:
    """Return annotations for a part of those who ask."""
    if rng.random() >= share:
        return ""
    return "<c:Annotations>" + "".join(rng.choices(NOTES, k=rng.randint(1, 2))) + "</c:Annotations>"


NOTES = (
    '<c:Annotation id="A"><c:AnnotationTitle>Seen &amp; read</c:AnnotationTitle></c:Annotation>',
    '<c:Annotation><c:AnnotationText xml:lang="fr">Obs &quot;</c:AnnotationText></c:Annotation>',
    '<c:Annotation id="B">\n <c:AnnotationText>x</c:AnnotationText>\n</c:Annotation>',
    "<c:Annotation/>",
    '<c:Annotation id="C"><c:Other/></c:Annotation>',
)
IN_LANGUAGES = (
    "<c:Text>one</c:Text>",
    '<c:Text xml:lang="en">one</c:Text><c:Text xml:lang="fr">un</c:Text>',
    '<c:Text xml:lang="fr">un</c:Text>',
    '<c:StructuredText><em xmlns="http://www.w3.org/1999/xhtml" class="a">x</em></c:StructuredText>',
)


def make(rng: random.Random, kind: str) -> str:
    """Return a message of some series, with gaps and odd but good texts."""
    parts: list[str] = []
    space = rng.choice(["\n", "\n  ", "", "\r\n"])
    for area in rng.sample(["IDN", "LAO", "TLS", "MYS", "VNM"], rng.randint(1, 5)):
        series = {"FREQ": "A", "REF_AREA": area, "SEX": rng.choice(["SEX_T", "SEX_F"])}
        above = {"UNIT_MEASURE": rng.choice(["PS", "PC"])} if rng.random() < 0.5 else {}
        rows = []
        for year in range(2000, 2000 + rng.randint(0, 12)):
            row = {"TIME_PERIOD": str(year)}
            if rng.random() < 0.9:
                row["OBS_VALUE"] = rng.choice(["1.50", "-0", "NaN", "1e9", str(rng.random())])
            if rng.random() < 0.8:
                row["OBS_STATUS"] = rng.choice("AEB")
            if rng.random() < 0.3:
                row["NOTE"] = rng.choice(TEXTS)
            if rng.random() < 0.2:
                row["METHOD"] = rng.choice(["M1", "M1;M2", ""])
            if rng.random() < 0.05:
                row["UNIT_MEASURE"] = "PC"
            if rng.random() < 0.03:
                row["COLOUR"] = "red"
            rows.append(row)
        parts.append(written(kind, series, above, rows, space, rng))
    content = noted_xml(rng, share_of(kind)) + space.join(parts) + space
    body = (
        generic(content)
        if kind.startswith("generic")
        else specific(content, "v3_1" if kind.startswith("v3_1") else "v2_1")
    )
    return body.replace('action="Replace"', 'action="Delete"') if rng.random() < 0.2 else body


def written(
    kind: str,
    series: dict[str, str],
    above: dict[str, str],
    rows: list[dict[str, str]],
    space: str,
    rng: random.Random,
) -> str:
    if kind.startswith("generic"):
        return written_generic(kind, series, above, rows, space, rng)
    if kind == "flat":
        return space.join(f"<Obs{attributes(series | above | row)}/>" for row in rows)
    start = f"<Series{attributes(series | above)}"
    inner = noted_xml(rng, share_of(kind) / 3)
    inner += space.join(observation(kind, row, rng) for row in rows)
    return f"{start}>{space}{inner}{space}</Series>" if rows or rng.random() < 0.5 else f"{start}/>"


def attributes(values: dict[str, str]) -> str:
    return "".join(f' {id}="{text}"' for id, text in values.items())


def share_of(kind: str) -> float:
    """Return which part of the elements has annotations."""
    return 0.6 if kind.endswith("noted") else 0


def observation(kind: str, row: dict[str, str], rng: random.Random) -> str:
    if kind == "v3_1 noted":
        noted = noted_xml(rng, share_of(kind))
        if "NOTE" in row:
            row.pop("NOTE")
            value = f"<Value>{rng.choice(IN_LANGUAGES)}</Value>"
            noted += f'<Comp id="NOTE" xsi:type="ns:NOTE_ATTRIBUTE">{value}</Comp>'
        return f"<Obs{attributes(row)}>{noted}</Obs>"
    if kind == "v3_1" and "METHOD" in row:
        several = "".join(f"<Value>{part}</Value>" for part in row.pop("METHOD").split(";"))
        return f'<Obs{attributes(row)}><Comp id="METHOD">{several}</Comp></Obs>'
    return f"<Obs{attributes(row)}/>" if rng.random() < 0.9 else f"<Obs{attributes(row)}></Obs>"


def written_generic(
    kind: str,
    series: dict[str, str],
    above: dict[str, str],
    rows: list[dict[str, str]],
    space: str,
    rng: random.Random,
) -> str:
    swapped = rng.random() < 0.1

    def values(element: str, found: dict[str, str]) -> str:
        inner = space.join(value(id, text, swapped=swapped) for id, text in found.items())
        return f"<{element}>{inner}</{element}>{space}" if found else ""

    parts = []
    for row in rows:
        time, measure = row.pop("TIME_PERIOD"), row.pop("OBS_VALUE", None)
        seen = f'<ObsValue value="{measure}"/>{space}' if measure is not None else ""
        inner = f'<ObsDimension value="{time}"/>{space}{seen}{values("Attributes", row)}'
        noted = noted_xml(rng, share_of(kind))
        parts.append(f"<Obs>{noted}{space}{inner}</Obs>{space}")
    head = noted_xml(rng, share_of(kind) / 3)
    head += values("SeriesKey", series) + values("Attributes", above)
    return f"<Series>{space}{head}{''.join(parts)}</Series>"


KINDS = ("series", "flat", "generic", "v3_1", "v3_1 noted", "generic noted")

MUTATIONS: dict[str, Callable[[str, random.Random], str]] = {}


def insert_anywhere(name: str, text: str) -> None:
    """Register a mutation that puts a text somewhere into the data set."""

    def mutate(body: str, rng: random.Random) -> str:
        at = rng.randrange(body.index("DataSet"), len(body))
        return body[:at] + text + body[at:]

    MUTATIONS[name] = mutate


def between_elements(name: str, text: str) -> None:
    """Register a mutation that puts a text before some tag of the data set."""

    def mutate(body: str, rng: random.Random) -> str:
        start = body.index("<m:DataSet") + 5
        places = [at for at in range(start, len(body)) if body[at] == "<"]
        at = rng.choice(places)
        return body[:at] + text + body[at:]

    MUTATIONS[name] = mutate


def in_a_value(name: str, text: str) -> None:
    """Register a mutation that puts a text at the start of a value."""

    def mutate(body: str, rng: random.Random) -> str:
        start = body.index("<m:DataSet") + 60
        places = [at for at in range(start, len(body)) if body[at - 1 : at + 1] == '="']
        if not places:
            return body
        at = rng.choice(places) + 1
        return body[:at] + text + body[at:]

    MUTATIONS[name] = mutate


def replace_one(name: str, old: str, new: str) -> None:
    """Register a mutation of one occurrence."""

    def mutate(body: str, rng: random.Random) -> str:
        start = body.index("<m:DataSet")
        places = [at for at in range(start, len(body)) if body.startswith(old, at)]
        if not places:
            return body
        at = rng.choice(places)
        return body[:at] + new + body[at + len(old) :]

    MUTATIONS[name] = mutate


between_elements("comment", "<!-- note -->")
between_elements("comment with data", '<!-- <Obs TIME_PERIOD="1"/> </Series> <Series FREQ="Q"> -->')
between_elements("comment with a quote", '<!-- " -->')
between_elements("open comment", "<!-- ")
between_elements("cdata", "<![CDATA[ text ]]>")
between_elements(
    "cdata with data", '<![CDATA[</Series><Series FREQ="A"><Obs TIME_PERIOD="1"/></Series>]]>'
)
between_elements("instruction", "<?php x ?>")
between_elements("instruction with data", '<?x <Obs TIME_PERIOD="1"/> ?>')
between_elements("text", "stray")
between_elements("text with quotes", '"stray" and "more"')
between_elements("unknown element", '<Other A="1"><Obs TIME_PERIOD="1999"/></Other>')
between_elements("own namespace", '<x:Obs xmlns:x="urn:x" TIME_PERIOD="1990"/>')
between_elements("unbound prefix", '<q:Obs TIME_PERIOD="1990"/>')
between_elements("group", '<Group REF_AREA="IDN" COVERAGE="whole"/>')
between_elements("nested series", '<Series FREQ="A"><Series FREQ="A"/></Series>')
between_elements("bare observation", "<Obs/>")
between_elements("two bare observations", "<Obs/><Obs/>")
between_elements("document type", "<!DOCTYPE x>")
between_elements("closing tag", "</Series>")
between_elements("new data set", '</m:DataSet><m:DataSet ss:structureRef="S" structureRef="S">')
between_elements("annotations", '<c:Annotations><c:Annotation id="A"/></c:Annotations>')
between_elements("control character", "\x01")
in_a_value("tag in a value", "<")
in_a_value("line end in a value", "\n")
in_a_value("tab in a value", "\t")
in_a_value("unknown entity", "&nbsp;")
in_a_value("open entity", "&amp")
in_a_value("bare ampersand", "& ")
in_a_value("forbidden reference", "&#0;")
in_a_value("surrogate reference", "&#xD800;")
in_a_value("great reference", "&#x110000;")
in_a_value("upper reference", "&#X41;")
in_a_value("double escape", "&amp;amp;")
in_a_value("forbidden character", "￾")
in_a_value("control character in a value", "\x02")
in_a_value("private character", "\ue0000\ue001")
in_a_value("quote in a value", '"')
in_a_value("lone carriage return", "\r")
replace_one("single quotes", '="A"', "='A'")
replace_one("single quotes with a double", '="A"', "='A\"'")
replace_one("spaces at the equals sign", '="', ' = "')
replace_one("no space between attributes", '" ', '"')
replace_one("line ends between attributes", '" ', '"\n\t')
replace_one("duplicate attribute", "TIME_PERIOD=", 'TIME_PERIOD="2000" TIME_PERIOD=')
replace_one(
    "duplicate value",
    '<Value id="OBS_STATUS"',
    '<Value id="OBS_STATUS" value="B"/><Value id="OBS_STATUS"',
)
replace_one("missing id", '<Value id="OBS_STATUS"', "<Value")
replace_one("type attribute", "<Obs ", '<Obs xsi:type="x:T" ')
replace_one("lower case", "<Obs", "<obs")
replace_one("wrong end", "</Series>", "</Sereis>")
replace_one("missing end", "</Series>", "")
replace_one("twice the end", "</Series>", "</Series></Series>")
replace_one("language attribute", "<Obs ", '<Obs xml:lang="en" ')
replace_one("unfinished name", "<Obs", "<foo<Obs")
replace_one("lone carriage return between", "\n", "\r")
insert_anywhere("quote", '"')
insert_anywhere("two quotes", '""')
insert_anywhere("angle", "<")
insert_anywhere("slash", "/")
insert_anywhere("null", "\0")
MUTATIONS["truncated"] = lambda body, rng: body[: rng.randrange(len(body))]
MUTATIONS["doubled"] = lambda body, rng: body + body
MUTATIONS["nothing"] = lambda body, rng: body


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_odd_document_reads_the_same_both_ways(
    name: str, kind: str, test_structures: Structures
) -> None:
    for seed in range(4):
        rng = chance(f"{name} {kind} {seed}")
        body = MUTATIONS[name](make(rng, kind), rng)
        both(body.encode("utf-8", "surrogatepass"), test_structures, rng.choice([60, 300, 2000]))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 1 << 32),
    kind=st.sampled_from(KINDS),
    mutations=st.lists(st.sampled_from(sorted(MUTATIONS)), max_size=3),
    chunk=st.integers(1, 4000),
)
def test_any_document_reads_the_same_both_ways(
    test_structures: Structures, seed: int, kind: str, mutations: list[str], chunk: int
) -> None:
    rng = chance(seed)
    body = make(rng, kind)
    for name in mutations:
        try:
            body = MUTATIONS[name](body, rng)
        except (ValueError, IndexError):  # the data set was cut away, or has no place for it
            break
    both(body.encode("utf-8", "surrogatepass"), test_structures, chunk)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 1 << 32),
    kind=st.sampled_from(KINDS),
    place=st.floats(0, 1),
    junk=st.binary(max_size=4),
    cut=st.integers(0, 20),
    chunk=st.integers(1, 3000),
)
def test_damaged_bytes_read_the_same_both_ways(
    test_structures: Structures,
    seed: int,
    kind: str,
    place: float,
    junk: bytes,
    cut: int,
    chunk: int,
) -> None:
    body = make(chance(seed), kind).encode()
    at = int(place * len(body))
    both(body[:at] + junk + body[at + cut :], test_structures, chunk)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.endswith("noted")])
def test_plain_documents_are_read_in_bulk(kind: str, test_structures: Structures) -> None:
    share = []
    for seed in range(20):
        body = make(chance(seed), kind).encode()
        if b"<Value value=" in body:
            continue  # who changes the order of the two is left to the exact way
        bytes_in_data = body.rindex(b"</m:DataSet") - body.index(b"<m:DataSet")
        share.append(read_in_bulk(body, 100_000) / bytes_in_data)
        both(body, test_structures, 100_000)
    assert sum(share) / len(share) > 0.8
