"""`ilms export`: the same bytes as the service answers, whole or not at all."""

from __future__ import annotations

import csv
import gzip
import io
import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import service.commands.export as command
from converters.examples.build import FIGURES, read_figures
from dsd.structures import PACKAGE_ROOT, Structures
from service.app import create_app
from service.cli import main
from service.config import Settings
from service.store import open_store

EXAMPLES = PACKAGE_ROOT / "converters" / "examples" / "submissions"
FLOW = "DF_MNA_OEMP_SEX_CDS"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "store"
    sources = [str(EXAMPLES / f"{country}.xlsx") for country in ("PHL", "SGP", "TLS")]
    done = run("load", *sources, "--store", str(folder), "--report", "summary")
    assert done.exit_code == 0, done.output
    return folder


def answered(store: Path, structures: Structures, tmp_path: Path, path: str, accept: str) -> bytes:
    """Return what the service answers."""
    opened = open_store(Settings(store_folder=store), create=False)
    try:
        settings = Settings(store_folder=store, temporary_folder=tmp_path / "temporary")
        client = create_app(settings, structures, opened).test_client()
        response = client.get(path, headers={"Accept": accept})
        assert response.status_code == 200, response.text
        return response.data
    finally:
        opened.close()


@pytest.mark.parametrize(
    ("ending", "accept"),
    [
        ("csv", "application/vnd.sdmx.data+csv;version=2.1.0"),
        ("json", "application/vnd.sdmx.data+json;version=2.1.0"),
        ("xml", "application/vnd.sdmx.structurespecificdata+xml;version=2.1"),
    ],
)
def test_a_file_holds_what_the_service_answers(
    ending: str, accept: str, store: Path, structures: Structures, tmp_path: Path
) -> None:
    target = tmp_path / "new" / f"phl.{ending}"
    result = run(
        "export",
        "T15",
        "--key",
        "PHL.*",
        "--start",
        "2012",
        "--end",
        "2020",
        "-o",
        str(target),
        "--store",
        str(store),
    )
    assert result.exit_code == 0, result.output
    query = f"/sdmx/v2/data/dataflow/ILMS/{FLOW}/1.0.0/PHL.*?c[TIME_PERIOD]=ge:2012%2Ble:2020"
    expected = answered(store, structures, tmp_path, query, accept)
    written = target.read_bytes()
    if ending == "csv":
        assert written == expected
        periods = {
            row["TIME_PERIOD"] for row in csv.DictReader(io.StringIO(written.decode("utf-8-sig")))
        }
        assert (min(periods), max(periods)) == ("2012", "2020")
    else:
        # The identity of a message hangs on how its query is written.
        assert len(written) == pytest.approx(len(expected), abs=40)
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("name", ["T15", "15", FLOW, f"ILMS:{FLOW}(1.0.0)"])
def test_a_dataflow_has_several_names(name: str, store: Path) -> None:
    result = run("export", name, "--store", str(store), "--key", "TLS.*")
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    values = sorted(row["OBS_VALUE"] for row in rows)
    assert values == sorted(str(row["OBS_VALUE"]) for row in read_figures(FIGURES / "TLS_T15.csv"))


def test_parameters_of_the_query_are_those_of_rest(store: Path) -> None:
    result = run(
        "export", "T15", "--store", str(store), "--query", "c[SEX]=SEX_F&attributes=none", "--start", "2023"
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert {row["SEX"] for row in rows} == {"SEX_F"}
    assert "UNIT_MULT" not in rows[0]


def test_labels_are_written_on_request(store: Path) -> None:
    result = run("export", "T15", "--store", str(store), "--key", "TLS.*", "--labels", "both")
    assert "TLS: Timor-Leste" in result.stdout


def test_names_come_in_the_language_asked_for(store: Path) -> None:
    result = run(
        "export", "T15", "--store", str(store), "--key", "TLS.*", "--query", "labels=both&lang=fr"
    )  # fmt: skip
    assert "SEX_F: Femmes" in result.stdout


def test_a_file_is_compressed_by_its_ending(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "tls.json.gz"
    assert run("export", "T15", "-o", str(target), "--store", str(store)).exit_code == 0
    assert json.loads(gzip.decompress(target.read_bytes()))["data"]["dataSets"]


def test_all_dataflows_become_a_file_each(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dump"
    result = run("export", "all", "-o", str(folder), "--store", str(store))
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{FLOW}.csv",
        "DF_MNA_TPOP_SEX_CRS.csv",
    ]
    assert "17 of 19 dataflows hold no data" in result.output
    with (folder / f"{FLOW}.csv").open(encoding="utf-8-sig", newline="") as lines:
        assert len(list(csv.DictReader(lines))) == 110 + 21


def test_all_files_are_of_one_moment(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another submission arrives after the first file: what it brings is not in the second."""
    copy = tmp_path / "store"
    sources = [str(EXAMPLES / f"{country}.xlsx") for country in ("PHL", "TLS")]
    assert run("load", *sources, "--store", str(copy), "--report", "summary").exit_code == 0
    plain = command._save

    def save_and_load(answer, target):
        size = plain(answer, target)
        run("load", str(EXAMPLES / "SGP.xlsx"), "--store", str(copy), "--report", "summary")
        return size

    monkeypatch.setattr(command, "_save", save_and_load)
    folder = tmp_path / "dump"
    assert run("export", "all", "-o", str(folder), "--store", str(copy)).exit_code == 0
    monkeypatch.undo()
    with (folder / "DF_MNA_TPOP_SEX_CRS.csv").open(encoding="utf-8-sig", newline="") as lines:
        assert {row["REF_AREA"] for row in csv.DictReader(lines)} == {"PHL"}
    later = tmp_path / "later"
    assert run("export", "all", "-o", str(later), "--store", str(copy)).exit_code == 0
    assert "SGP" in (later / "DF_MNA_TPOP_SEX_CRS.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("T99",), "there is no table 'T99'"),
        (("T15", "--key", "XXX.*"), "no observation matches"),
        (("T1",), "no observation matches"),
        (("T15", "--query", "c[SX]=SEX_F"), "did you mean SEX?"),
        (("T15", "--query", "detail=full"), "detail"),
        (("T15", "--start", "soon"), "soon"),
        (("T15", "-o", "x.doc"), "there is no format"),
        (("all",), "name a folder with -o"),
        (("T15", "--query", "format=jsondata"), "--format and the ending of -o"),
        (("T15", "--query", "lang=xx"), "there are names in"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_writes_nothing(
    arguments: tuple[str, ...],
    said: str,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("export", *arguments, "--store", str(store))
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_there_stays_as_it_was_where_the_export_fails(
    store: Path, tmp_path: Path
) -> None:
    target = tmp_path / "t15.csv"
    target.write_text("before", encoding="utf-8")
    assert (
        run("export", "T15", "--key", "XXX.*", "-o", str(target), "--store", str(store)).exit_code
        == 2
    )
    assert target.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_has_the_permissions_of_any_other(store: Path, tmp_path: Path) -> None:
    other, target = tmp_path / "other", tmp_path / "t15.csv"
    other.touch()
    assert run("export", "T15", "-o", str(target), "--store", str(store)).exit_code == 0
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)
    target.chmod(0o640)
    assert run("export", "T15", "-o", str(target), "--store", str(store)).exit_code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_more_than_one_answer_may_hold_can_be_exported(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ILMS_MAX_RESPONSE_OBSERVATIONS", "5")
    result = run("export", "T15", "--store", str(store))
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1 + 110 + 21
