"""What a change of the structures costs in a large registry, and how soon others see it.

`python benchmarks/maintenance.py [--quick]`. 1,000 code lists of 1,000 codes in two languages are pushed, 100 a message.
Then, as ratios of a limit measured in turn: to load the registry of them (limit: msgspec's decoding of their texts), to
push one changed list (limit: to read and write its message, and one empty transaction of the catalog), and for another process'
registry to follow (limit: to decode that list); and without a limit the look-up that each request makes, and a
former state. One line each: name, ratio, target, PASS or FAIL, milliseconds of both. Exits 1 on a FAIL unless --quick.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from codelists.item_scheme import Code, Codelist
from dsd.sdmx_json import decode_structures, encode_structures, make_message
from dsd.structures import load_structures
from service.access.principal import Principal, Role
from service.config import Settings, utc_now
from service.registry.registries import Registries, as_text, from_text
from service.store import open_store
from service.store.protocol import StructureRecord
from service.submission.structures import Asked, StructureDesk

PRINCIPAL = Principal("benchmark", "TST", Role.AGENCY)
ASKED = Asked("POST", PRINCIPAL)


def codelist(number: int, codes: int, round_: int = 0) -> Codelist:
    """Return a draft of a list, another one in each round."""
    return Codelist(
        id=f"CL_{number}",
        agency_id="TST",
        version="1.0.0-draft",
        names={"en": f"List {number}"},
        codes=tuple(
            Code(id=f"C{code}", names={"en": f"Code {code} {round_}", "fr": f"Code numéro {code}"})
            for code in range(codes)
        ),
    )


def message(*lists: Codelist) -> bytes:
    """Return the message of some lists."""
    return encode_structures(make_message(lists, utc_now()))


def timed(job: Callable[[], object]) -> float:
    """Return the seconds that a job takes."""
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


def told(name: str, seconds: float, limit: float | None = None, target: float = 0) -> bool:
    """Print a line; True where a target is missed."""
    if limit is None:
        print(f"{name:44} {'':17} {seconds * 1000:9.2f} ms")
        return False
    verdict = "PASS" if seconds <= target * limit else "FAIL"
    ratio = seconds / limit
    print(
        f"{name:44} {ratio:6.2f} {target:5.1f} {verdict} {seconds * 1000:9.2f} {limit * 1000:9.2f} ms"
    )
    return verdict == "FAIL"


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small registry, no verdict")
    quick = parser.parse_args().quick
    lists, codes = (50, 50) if quick else (1000, 1000)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            store_folder=Path(folder) / "store", temporary_folder=Path(folder) / "spill"
        )
        store = open_store(settings)
        base = load_structures()
        here = Registries(base, store.artefacts)
        desk = StructureDesk(here, store.artefacts, store, settings)
        began = time.perf_counter()
        for start in range(0, lists, 100):
            some = [codelist(number, codes) for number in range(start, min(start + 100, lists))]
            assert desk.submit(message(*some), None, ASKED).plan.status == 201
        told(f"{lists:,} lists of {codes:,} codes pushed", time.perf_counter() - began)

        texts = [as_text(codelist(number, codes)) for number in range(lists)]
        limit = timed(lambda: [from_text(text) for text in texts])
        texts.clear()
        elsewhere = Registries(base, store.artefacts)
        failed = told("registry loaded", timed(elsewhere.current), limit, 2.0)

        pushes, follows, bare, decoded = [], [], [], []
        for round_ in range(1, 4 if quick else 10):
            body = message(codelist(7, codes, round_))
            pushes.append(timed(lambda body=body: desk.submit(body, None, ASKED)))  # type: ignore[misc]
            follows.append(timed(elsewhere.current))

            def empty(body: bytes = body) -> None:
                as_text(decode_structures(body).data.all()[0])
                with store.artefacts.changing():
                    store.artefacts.write([], StructureRecord("x", "TST", "x"))

            bare.append(timed(empty))
            decoded.append(timed(lambda body=body: decode_structures(body)))  # type: ignore[misc]
            here.current()
            elsewhere.current()
        failed |= told("one list pushed", min(pushes), min(bare), 10.0)
        told("another process follows", min(follows))
        told("(to decode that list)", min(decoded))
        told("look-up of a request", min(timed(here.current) for _ in range(200)))
        newest = store.artefacts.history(limit=1)[0]
        told(
            "state before the last push",
            timed(lambda: here.at(newest.at - timedelta(microseconds=1))),
        )
        store.close()
    return 1 if failed and not quick else 0


if __name__ == "__main__":
    sys.exit(main())
