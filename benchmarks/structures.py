"""How fast structure messages are read and written, against what their parser alone needs for the same model.

`python benchmarks/structures.py [--quick] [--items N]`. One code list: names in two languages, a parent on nine
codes of ten, an annotation on one of ten. The limits make the same model (or the same bytes) by hand: msgspec
with the model's types for SDMX-JSON; for SDMX-ML lxml's `iterparse(tag=Code)`, each code cleared after use.
Jobs and limits run in turns, garbage collection off; the best turn counts, in processor time. One line a job: time over the
limit's, target, PASS or FAIL. Exits 1 on a FAIL unless --quick.
"""

from __future__ import annotations

import argparse
import gc
import io
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from lxml import etree

from codelists.base import Annotation
from codelists.item_scheme import Code, Codelist
from dsd.structures import Structures
from service.formats import STRUCTURE_FORMATS
from service.formats.contract import EncodeOptions, Header, StructureFormat

TARGET = 2.0
HEADER = Header(id="BENCH", prepared=datetime(2026, 11, 24, tzinfo=UTC))
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def codelist(items: int) -> Codelist:
    """Return the list."""
    codes = (
        Code(
            id=f"C{number:06}",
            names={"en": f"Code number {number}", "fr": f"Code numéro {number} & suite"},
            parent=f"C{number // 10:06}" if number % 10 else None,
            annotations=(Annotation(id="ORDER", type="ORDER", texts={"en": str(number)}),)
            if number % 10 == 0
            else (),
        )
        for number in range(items)
    )
    return Codelist(
        id="CL_LARGE", agency_id="TST", version="1.0.0", names={"en": "Large"}, codes=tuple(codes)
    )


def parse_by_hand(body: bytes, version: str) -> tuple[Code, ...]:
    """Return the codes as a program written for this one list would read them."""
    root = f"http://www.sdmx.org/resources/sdmxml/schemas/v{version}"
    common, structure = f"{{{root}/common}}", f"{{{root}/structure}}"
    name_tag, parent_tag = f"{common}Name", f"{structure}Parent"
    annotations_tag, type_tag, text_tag = (
        f"{common}{name}" for name in ("Annotations", "AnnotationType", "AnnotationText")
    )
    found = []
    for _, element in etree.iterparse(io.BytesIO(body), tag=f"{structure}Code"):
        names, parent, notes = {}, None, []
        for child in element:
            if child.tag == name_tag:
                names[child.get(XML_LANG)] = child.text
            elif child.tag == parent_tag:
                parent = child[0].get("id") if len(child) else child.text
            elif child.tag == annotations_tag:
                for note in child:
                    kind = note.find(type_tag)
                    texts = {text.get(XML_LANG): text.text for text in note.iter(text_tag)}
                    notes.append(Annotation(id=note.get("id"), type=kind.text, texts=texts))
        found.append(
            Code(id=element.get("id"), names=names, parent=parent, annotations=tuple(notes))
        )
        element.clear()
    return tuple(found)


def limits(
    entry: StructureFormat, body: bytes, artefact: Codelist
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return what reading and writing are measured against."""
    if entry.extension == ".xml":
        version = {"2.1": "2_1", "3.0.0": "3_0", "3.1.0": "3_1"}[entry.version]

        def by_hand() -> object:
            return parse_by_hand(body, version)

        return by_hand, by_hand
    member = "codelists"
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    codelists = msgspec.json.Decoder(tuple[dict[str, msgspec.Raw], ...])
    codes = msgspec.json.Decoder(tuple[Code, ...])

    def read() -> object:
        (found,) = codelists.decode(decoder.decode(decoder.decode(body)["data"])[member])
        return codes.decode(found["codes"])

    return read, lambda: msgspec.json.encode(artefact)


def best(jobs: dict[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Return the best processor seconds of each job, all in turns."""
    spent: dict[str, list[float]] = {name: [] for name in jobs}
    gc.disable()
    for _ in range(turns):
        for name, job in jobs.items():
            gc.collect()
            began = time.process_time()
            result = job()
            spent[name].append(time.process_time() - began)
            del result
    gc.enable()
    return {name: min(seconds) for name, seconds in spent.items()}


def main() -> int:
    """Print the figures; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true", help="5 000 items, one turn, no verdict")
    options = parser.parse_args()
    artefact = codelist(5_000 if options.quick else options.items)
    failed = False
    for entry in STRUCTURE_FORMATS:
        encode, decode = entry.encode, entry.decode
        assert encode
        assert decode
        known = Structures([artefact])

        def write(encode: object = encode, known: Structures = known) -> object:
            return b"".join(encode(HEADER, [artefact], known, EncodeOptions()))

        body = write()
        (found,) = decode(body)
        assert found == artefact
        read_limit, write_limit = limits(entry, body, artefact)
        jobs = {
            "read": lambda decode=decode, body=body: decode(body),
            "read limit": read_limit,
            "write": write,
            "write limit": write_limit,
        }
        seconds = best(jobs, 1 if options.quick else 9)
        for job in ("read", "write"):
            ratio = seconds[job] / seconds[f"{job} limit"]
            verdict = "PASS" if ratio <= TARGET else "FAIL"
            failed |= verdict == "FAIL"
            print(
                f"{job:5} {entry.name:7} {ratio:5.2f} of the limit's time (target {TARGET:.1f}) {verdict}"
                f"  {1000 * seconds[job]:7.1f} ms, {len(body) / 1e6:5.1f} MB,"
                f" {len(artefact.codes) / seconds[job]:10,.0f} codes/s"
            )
    return int(failed and not options.quick)


if __name__ == "__main__":
    sys.exit(main())
