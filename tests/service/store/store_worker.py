"""What tests run in processes of their own: load, and die on the way; read for ever.

`python store_worker.py EXAMPLES FOLDER URL` reads one JSON command a line and answers each with a line. A
command with `die` runs in a forked child, so that a crash costs no start-up.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from dsd.batch import batch_schema, batches_from_rows
from dsd.dataset import Dataset
from dsd.resolved import Dsd
from dsd.structures import load_structures
from service.config import Settings
from service.query.selection import Selection
from service.store.backup import restore
from service.store.engine import ParquetStore
from service.store.migration import migrate
from service.store.protocol import StoreError, SubmissionRecord

sys.path.insert(0, str(Path(__file__).parent))
from format_0 import FORMAT_0_STEPS

FLOWS = ("DF_FLOCK", "DF_HERD")
AREAS = ("IDN", "PHL", "THA", "VNM")


def dsds(examples: str) -> list[Dsd]:
    structures = load_structures([Path(examples) / "store" / "structures" / "first"])
    urn = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=EX:{}(1.0.0)"
    return [structures.dsd(urn.format(flow)) for flow in FLOWS]


def submission_rows(number: int) -> list[dict[str, Any]]:
    """Submission n sets the same value everywhere and adds an observation of its own."""
    key = {"FREQ": "A", "SEX": "SEX_T"}
    return [
        *({"REF_AREA": a, **key, "TOPIC": "same", "TIME_PERIOD": "2024", "OBS_VALUE": str(number)}
          for a in AREAS),
        {"REF_AREA": "IDN", **key, "TOPIC": f"own {number}", "TIME_PERIOD": "2024", "OBS_VALUE": "1"},
    ]  # fmt: skip


def load(store: ParquetStore, flows: list[Dsd], number: int) -> int:
    datasets = [
        Dataset(dsd, list(batches_from_rows(dsd, submission_rows(number), batch_schema(dsd))))
        for dsd in flows
    ]
    record = SubmissionRecord(f"s{number}", source_sha256=f"{number:064}")
    return store.write(datasets, record).transaction


class Death:
    """Kills the process when a point is reached for the n-th time."""

    def __init__(self, point: str, times: int) -> None:
        self.point = point
        self.left = times

    def __call__(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def crash(flows: list[Dsd], settings: Settings, command: dict[str, Any]) -> None:
    """Load submissions, acknowledging each in a file, until death; look after the store between them."""
    if "folder" in command:
        settings = replace(settings, store_folder=Path(command["folder"]))
    store = ParquetStore(settings, fault=Death(*command["die"]), leaf_rows=12)
    with Path(command["acknowledged"]).open("a", encoding="utf-8") as acknowledged:
        for number in range(command["first"], command["first"] + command["count"]):
            load(store, flows, number)
            acknowledged.write(f"{number}\n")
            acknowledged.flush()
            store.compact()
            if "backup" in command:
                store.backup(Path(f"{command['backup']}-{number}"))
            store.collect(timedelta(0))
    store.close()


def upgrade(settings: Settings, command: dict[str, Any]) -> None:
    """Bring a store of a made-up older format to this one, until death."""
    death = Death(*command["die"])
    migrate(settings, Path(command["migrate"]), steps=FORMAT_0_STEPS, fault=death)


def put_back(settings: Settings, command: dict[str, Any]) -> None:
    """Restore a backup into a store of its own, until death."""
    target = replace(settings, store_folder=Path(command["into"]), store_url="")
    restore(target, Path(command["restore"]), fault=Death(*command["die"]))


def look_after(flows: list[Dsd], settings: Settings, command: dict[str, Any]) -> dict[str, Any]:
    """Compact, back up, check and collect again and again."""
    store = ParquetStore(settings)
    done, rounds, compacted, problems = time.monotonic() + command["seconds"], 0, 0, []
    # There is something to compact from the first round on.
    transactions = [load(store, flows, command["first"] + number) for number in range(4)]
    while time.monotonic() < done or not rounds:
        before = store.compact()
        compacted += before.before - before.after
        store.backup(Path(f"{command['backup']}-{rounds}"))
        problems += store.check()
        store.collect()
        rounds += 1
    store.close()
    return {
        "transactions": transactions,
        "rounds": rounds,
        "compacted": compacted,
        "problems": problems[:3],
    }


def write_for(flows: list[Dsd], settings: Settings, command: dict[str, Any]) -> dict[str, Any]:
    store = ParquetStore(settings)
    done, transactions = time.monotonic() + command["seconds"], []
    number = command["first"]
    while time.monotonic() < done:
        transactions.append(load(store, flows, number))
        number += 1
    store.close()
    return {"transactions": transactions}


def read_for(flows: list[Dsd], settings: Settings, command: dict[str, Any]) -> dict[str, Any]:
    """Read again and again; every snapshot must be whole and none older than the one before."""
    store = ParquetStore(settings)
    done, reads, last = time.monotonic() + command["seconds"], 0, [0, 0]
    errors = []
    while time.monotonic() < done:
        which = reads % 2
        with store.read(Selection(flows[which])) as snapshot:
            rows = [row for batch in snapshot.batches for row in batch.to_pylist()]
            revision = snapshot.revision.number
        same = {row["OBS_VALUE"] for row in rows if row["TOPIC"] == "same"}
        if len(same) > 1 or (rows and len(rows) - len(AREAS) != revision):
            errors.append(f"half a submission: {same}, {len(rows)} rows at {revision}")
        if revision < last[which]:
            errors.append(f"went back from {last[which]} to {revision}")
        last[which] = revision
        reads += 1
    store.close()
    return {"reads": reads, "errors": errors[:3], "last": max(last)}


def run_and_die(flows: list[Dsd], settings: Settings, command: dict[str, Any]) -> int:
    """Run a command in a child that dies at a point, or that is killed after some seconds."""
    child = os.fork()  # noqa: TID251 - tests of crashes run where there is fork
    if child == 0:
        if "migrate" in command:
            upgrade(settings, command)
        elif "restore" in command:
            put_back(settings, command)
        else:
            crash(flows, settings, command)
        os._exit(0)
    if "after" in command:
        time.sleep(command["after"])
        os.kill(child, signal.SIGKILL)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def hold(_flows: list[Dsd], settings: Settings, command: dict[str, Any]) -> dict[str, Any]:
    """Have the turn until death."""
    store = ParquetStore(settings)
    with store._lock.held():
        sys.stdout.write(json.dumps({"pid": os.getpid()}) + "\n")
        sys.stdout.flush()
        time.sleep(command["seconds"])
    store.close()
    return {}


def stop(flows: list[Dsd], settings: Settings, command: dict[str, Any]) -> dict[str, Any]:
    """Load, but stop at a point until somebody makes this process go on."""

    points = [command["point"]]

    def fault(point: str) -> None:
        # Once: whoever makes this process go on does not come a second time.
        if point in points:
            points.remove(point)
            time.sleep(command["pause"])  # A sign of life is then under way too.
            os.kill(os.getpid(), signal.SIGSTOP)

    store = ParquetStore(settings, fault=fault)
    try:
        return {"transaction": load(store, flows, command["number"])}
    except StoreError as error:
        return {"error": type(error).__name__, "text": str(error)}
    finally:
        store.close()


COMMANDS = {
    "write": write_for,
    "read": read_for,
    "hold": hold,
    "stop": stop,
    "look after": look_after,
}


def main() -> None:
    examples, folder, url = sys.argv[1:4]
    settings = Settings(
        store_folder=Path(folder), store_url=url, temporary_folder=Path(folder) / "spill"
    )
    flows = dsds(examples)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        command = json.loads(line)
        if "die" in command:
            answer = {"signal": run_and_die(flows, settings, command)}
        else:
            answer = COMMANDS[command["do"]](flows, settings, command)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
