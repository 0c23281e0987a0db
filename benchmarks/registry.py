"""How long the service takes to answer structure queries, against what lxml alone needs to write the same message.

`python benchmarks/registry.py [--quick]`. The registry holds 1,000 code lists of 1,000 codes, 5,000 dataflows, and
one code list of 10,000 codes in four languages. Each request goes through the whole WSGI application: parsing,
search, stubs, encoding, entity tag, spool. No answer is kept between requests, the process is warm; stubs, which
cannot change while the structures do not, are kept as they were written. The limit for SDMX-ML is
`lxml.etree.tostring` of the ready tree of the same answer, for SDMX-JSON (told, without a target) msgspec's
encoding of its ready values. Requests and limits run in turns, garbage collection off; the best turn counts, in processor time.
One line a request: name, ratio, target, PASS or FAIL, milliseconds of both, MB; answers in gzip, in one language and
the time to build the index stand without a target. Exits 1 on a FAIL unless --quick.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from lxml import etree
from werkzeug.test import Client

from codelists.base import Maintainable
from codelists.item_scheme import Code, Codelist
from dsd.structure import Dataflow, DataStructure
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings

TARGET = 3.0
LANGUAGES = ("en", "fr", "th", "vi")
ML31 = "application/vnd.sdmx.structure+xml;version=3.1.0"
ML21 = "application/vnd.sdmx.structure+xml;version=2.1"
JSON21 = "application/vnd.sdmx.structure+json;version=2.1.0"


@dataclass(frozen=True)
class Request:
    """A request to measure; without a limit it is only told."""

    name: str
    path: str
    accept: str
    is_target: bool = True
    headers: tuple[tuple[str, str], ...] = ()


LIST = "codelist/TST/CL_LARGE"
STUBS = "dataflow/TST/{}?detail=allstubs"
REQUESTS = (
    Request("list of 10,000 codes, ML 3.1", f"/sdmx/v2/structure/{LIST}", ML31),
    Request("list of 10,000 codes, ML 2.1", f"/sdmx/v1/{LIST}", ML21),
    Request("list of 10,000 codes, JSON 2.1", f"/sdmx/v2/structure/{LIST}", JSON21, False),
    Request("5,000 stubs, ML 3.1", f"/sdmx/v2/structure/{STUBS.format('*')}", ML31),
    Request("5,000 stubs, ML 2.1", f"/sdmx/v1/{STUBS.format('all')}", ML21),
    Request("5,000 stubs, JSON 2.1", f"/sdmx/v2/structure/{STUBS.format('*')}", JSON21, False),
    *(
        Request(
            f"list of 10,000 codes, {name}, {what}",
            f"/sdmx/v2/structure/{LIST}",
            accept,
            False,
            ((header, value),),
        )
        for name, accept in (("ML 3.1", ML31), ("JSON 2.1", JSON21))
        for what, header, value in (
            ("in French", "Accept-Language", "fr"),
            ("gzip", "Accept-Encoding", "gzip"),
        )
    ),
)


def artefacts(lists: int, codes: int, large: int, flows: int) -> Iterator[Maintainable]:
    """Yield what the registry holds."""
    named = {"agency_id": "TST", "version": "1.0.0"}
    for number in range(lists):
        yield Codelist(
            **named,
            id=f"CL_{number:04}",
            names={"en": f"List {number}"},
            codes=tuple(
                Code(id=f"C{place:04}", names={"en": f"Code {place} of list {number}"})
                for place in range(codes)
            ),
        )
    yield Codelist(
        **named,
        id="CL_LARGE",
        names={tag: f"Large ({tag})" for tag in LANGUAGES},
        codes=tuple(
            Code(
                id=f"C{place:05}",
                names={tag: f"Code {place} & its name ({tag}): số, รหัส" for tag in LANGUAGES},
                parent=f"C{place // 10:05}" if place % 10 else None,
            )
            for place in range(large)
        ),
    )
    yield DataStructure(**named, id="DSD", names={"en": "Structure"})
    for number in range(flows):
        yield Dataflow(
            **named,
            id=f"DF_{number:04}",
            names={"en": f"Dataflow {number}", "fr": f"Flux {number}"},
            descriptions={"en": "What it holds, at some length, as descriptions are."},
            structure="urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=TST:DSD(1.0.0)",
        )


def limit(body: bytes, accept: str) -> Callable[[], bytes]:
    """Return what a request is measured against: writing the ready tree or values of its answer."""
    if "json" in accept:
        values = msgspec.json.decode(body)
        return lambda: msgspec.json.encode(values)
    tree = etree.fromstring(body)
    return lambda: etree.tostring(tree, encoding="UTF-8", xml_declaration=True)


def best(jobs: dict[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Return the best processor seconds of each job, all in turns."""
    spent: dict[str, list[float]] = {name: [] for name in jobs}
    gc.disable()
    for _ in range(turns):
        for name, job in jobs.items():
            began = time.process_time()
            result = job()
            spent[name].append(time.process_time() - began)
            del result
    gc.enable()
    return {name: min(seconds) for name, seconds in spent.items()}


def main() -> int:
    """Print the figures; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a small registry, two turns, no verdict"
    )
    options = parser.parse_args()
    sizes = (20, 100, 1_000, 200) if options.quick else (1_000, 1_000, 10_000, 5_000)
    held = Structures(artefacts(*sizes))
    # What is built once stays: the collector need not look through it again and again.
    gc.collect()
    gc.freeze()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            store_folder=Path(folder, "store"), temporary_folder=Path(folder, "temporary")
        )
        began = time.process_time()
        client = Client(create_app(settings, held))
        first = client.get(REQUESTS[0].path, headers={"Accept": REQUESTS[0].accept})
        assert first.status_code == 200, first.text
        first.close()
        print(f"{'first request':42} {(time.process_time() - began) * 1000:8.1f} ms")
        for request in REQUESTS:

            def ask(request: Request = request) -> bytes:
                headers = {"Accept": request.accept, **dict(request.headers)}
                response = client.get(request.path, headers=headers)
                assert response.status_code == 200, response.text
                data: bytes = response.get_data()
                response.close()
                return data

            body = ask()
            plain = dict(request.headers).get("Accept-Encoding") is None
            jobs: dict[str, Callable[[], object]] = {"request": ask}
            if plain:
                jobs["limit"] = limit(body, request.accept)
            seconds = best(jobs, 2 if options.quick else 15)
            size = len(body) / 1e6
            told = f"{seconds['request'] * 1000:8.1f} ms"
            if not plain:
                print(f"{request.name:42} {told} {size:6.2f} MB")
                continue
            ratio = seconds["request"] / seconds["limit"]
            verdict = f"{TARGET:5.1f} {'PASS' if ratio <= TARGET else 'FAIL'}"
            failed |= request.is_target and ratio > TARGET
            print(
                f"{request.name:42} {ratio:6.2f} {verdict if request.is_target else ' ' * 10} "
                f"{told} {seconds['limit'] * 1000:8.1f} ms {size:6.2f} MB"
            )
    return 1 if failed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
