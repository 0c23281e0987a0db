"""The command: what each call prints, writes and exits with."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from dsd.structures import PACKAGE_ROOT
from service.cli import SECTIONS, main

EXAMPLES = PACKAGE_ROOT / "converters" / "examples" / "submissions"
BUNDLED = EXAMPLES / "TLS.xlsx"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...]) -> None:
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert f"Example:\n    ilms {' '.join(path)}" in result.output


def test_the_help_lists_every_command_in_a_section_with_an_example() -> None:
    output = run("--help").output
    assert "..." not in output.partition("Options:")[2]
    for title, members in SECTIONS:
        assert f"\n{title}:\n" in output
        for command in members:
            assert f"\n             ilms {command.name} " in output
    assert {command.name for _, members in SECTIONS for command in members} == set(main.commands)


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_is_in_the_readme(path: tuple[str, ...]) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"ilms {' '.join(path)}" in readme


def test_convert_writes_every_figure_of_the_bundled_workbook(tmp_path: Path) -> None:
    target = tmp_path / "idn.csv"
    assert run("convert", str(BUNDLED), "-o", str(target)).exit_code == 0
    with target.open(encoding="utf-8", newline="") as stream:
        rows = {
            (row["SEX"], row["COUNTERPART_AREA"], row["TIME_PERIOD"]): row["OBS_VALUE"]
            for row in csv.DictReader(stream)
        }
    figures = PACKAGE_ROOT / "converters" / "examples" / "figures" / "TLS_T15.csv"
    with figures.open(encoding="utf-8", newline="") as stream:
        expected = {
            (row["SEX"], row["COUNTERPART_AREA"], row["TIME_PERIOD"]): row["OBS_VALUE"]
            for row in csv.DictReader(stream)
        }
    assert rows == expected
    assert rows["SEX_F", "IDN", "2023"] == "0.589"


@pytest.mark.parametrize("ending", ["csv", "json", "xml"])
def test_the_ending_of_the_output_chooses_the_format(ending: str, tmp_path: Path) -> None:
    target = tmp_path / f"idn.{ending}"
    result = run("convert", str(BUNDLED), "-o", str(target))
    assert result.exit_code == 0, result.output
    assert target.read_bytes().lstrip()[:1] == {"csv": b"S", "json": b"{", "xml": b"<"}[ending]


def test_an_unknown_ending_is_refused_with_the_known_formats(tmp_path: Path) -> None:
    result = run("convert", str(BUNDLED), "-o", str(tmp_path / "idn.doc"))
    assert result.exit_code == 2
    assert "csv" in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_submission_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "photo.xlsx"
    source.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    result = run("validate", str(source))
    assert result.exit_code == 2
    assert "questionnaire workbook" in result.output
    assert "Traceback" not in result.output


def damaged(folder: Path, cell: str, value: object) -> Path:
    """Return a copy of the bundled workbook with one cell of its table changed."""
    from openpyxl import load_workbook

    target = folder / "damaged.xlsx"
    workbook = load_workbook(BUNDLED)
    workbook["T15"][cell] = value
    workbook.save(target)
    return target


def figure_cell() -> str:
    """Return the cell that holds the figure of women to Indonesia in 2023."""
    from openpyxl import load_workbook

    sheet = load_workbook(BUNDLED)["T15"]
    return next(c.coordinate for row in sheet.iter_rows() for c in row if c.value == 0.589)


def test_convert_writes_nothing_where_a_cell_cannot_be_read(tmp_path: Path) -> None:
    source = damaged(tmp_path, figure_cell(), "about ninety")
    target = tmp_path / "out" / "idn.csv"
    result = run("convert", str(source), "-o", str(target))
    assert result.exit_code == 1
    assert f"sheet T15, cell {figure_cell()}" in result.output
    assert not target.exists()


def test_convert_writes_the_rest_when_asked(tmp_path: Path) -> None:
    source = damaged(tmp_path, figure_cell(), "about ninety")
    target = tmp_path / "idn.csv"
    result = run("convert", str(source), "-o", str(target), "--partial")
    assert result.exit_code == 1
    assert "0.589" not in target.read_text(encoding="utf-8")


def test_validate_names_the_cell_of_a_wrong_sum(tmp_path: Path) -> None:
    result = run("validate", str(damaged(tmp_path, figure_cell(), 999.589)))
    assert result.exit_code == 1
    assert figure_cell() in result.output or "partition" in result.output


def test_validate_checks_what_the_agreements_of_a_provider_allow() -> None:
    other = run("validate", str(BUNDLED), "--provider", "THA_DOE")
    assert other.exit_code == 1, other.output
    unknown = run("validate", str(BUNDLED), "--provider", "NOBODY")
    assert unknown.exit_code == 2
    assert "NOBODY" in unknown.output


@pytest.mark.parametrize("option", [("--json",), ("--report", "json")])
def test_validate_prints_json_for_programs(option: tuple[str, ...]) -> None:
    document = json.loads(run("validate", str(BUNDLED), *option).stdout)
    assert document["state"] == "accepted"
    [receipt] = document["submissions"]
    assert receipt["tables"][0]["observations"] == 21


def test_validate_takes_several_files_and_writes_one_report(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.html"
    sources = [str(EXAMPLES / f"{country}.xlsx") for country in ("LAO", "TLS")]
    result = run("validate", *sources, "-o", str(target))
    assert result.exit_code == 1
    assert "LAO.xlsx: partly accepted, 1 of 2 tables" in result.output
    page = target.read_text(encoding="utf-8")
    assert "LAO.xlsx" in page
    assert "TLS.xlsx" in page
    assert list(target.parent.iterdir()) == [target]


def test_an_ending_that_names_no_report_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    result = run("validate", str(BUNDLED), "-o", str(tmp_path / "report.pdf"))
    assert result.exit_code == 2
    assert ".html" in result.output
    named = run("validate", str(BUNDLED), "--report", "text", "-o", str(tmp_path / "report.pdf"))
    assert named.exit_code == 0, named.output
    assert (tmp_path / "report.pdf").read_text(encoding="utf-8").startswith("TLS.xlsx: accepted")


def test_a_file_that_cannot_be_read_does_not_hide_what_is_wrong_with_the_others(
    tmp_path: Path,
) -> None:
    photo = tmp_path / "photo.xlsx"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    result = run("validate", str(photo), str(EXAMPLES / "LAO.xlsx"), "--report", "json")
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert [entry["source_name"] for entry in document["unreadable"]] == ["photo.xlsx"]
    assert [entry["source_name"] for entry in document["submissions"]] == ["LAO.xlsx"]


def test_waivers_are_found_in_a_folder_by_the_name_of_the_workbook() -> None:
    sources = [str(EXAMPLES / f"{country}.xlsx") for country in ("LAO", "TLS", "THA")]
    assert run("validate", *sources, "--report", "summary").exit_code == 1
    allowed = run("validate", *sources, "--report", "summary", "--waivers", str(EXAMPLES))
    assert allowed.exit_code == 0, allowed.output
    assert allowed.output.count("2 of them allowed") == 2
    assert "unused" not in allowed.output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")
def test_a_terminal_shows_a_bar_and_then_the_report() -> None:
    import pty

    sources = [str(EXAMPLES / f"{country}.xlsx") for country in ("SGP", "TLS")]
    leader, terminal = pty.openpty()
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from service.cli import main; main()",
            "validate",
            *sources,
            "--report",
            "summary",
        ],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env=os.environ | {"TERM": "xterm"},
    )
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # Linux ends the other side of a terminal so.
        while part := os.read(leader, 4096):
            shown += part
    os.close(leader)
    assert process.wait(60) == 0
    bar, _, report = shown.decode("utf-8").rpartition("\x1b[2K")
    assert "Validating SGP.xlsx" in bar
    assert "accepted" not in bar
    lines = [line for line in report.splitlines() if line]
    assert [line.split(":")[0] for line in lines] == [
        "SGP.xlsx",
        "    T13  Stock of nationals abroad by sex and country of residence",
        "TLS.xlsx",
        "    T15  Outflow of nationals for employment by sex and country of destination",
    ]


def test_all_or_nothing_rejects_the_whole_file() -> None:
    result = run("validate", str(EXAMPLES / "LAO.xlsx"), "--report", "summary", "--all-or-nothing")
    assert result.exit_code == 1
    assert result.output.startswith("LAO.xlsx: rejected, 0 of 2 tables")


def test_load_takes_several_files_and_stores_the_tables_that_are_accepted(tmp_path: Path) -> None:
    sources = [str(EXAMPLES / f"{country}.xlsx") for country in ("LAO", "TLS")]
    result = run("load", *sources, "--store", str(tmp_path / "store"))
    assert result.exit_code == 1
    assert "stored: 92 inserted" in result.output
    assert "stored: 21 inserted" in result.output
    assert "stored: 107" not in result.output


def test_load_stores_once_and_says_so(tmp_path: Path) -> None:
    first = run("load", str(BUNDLED), "--store", str(tmp_path / "store"))
    assert first.exit_code == 0, first.output
    assert "21 inserted" in first.output
    second = run("load", str(BUNDLED), "--store", str(tmp_path / "store"))
    assert second.exit_code == 0
    assert "nothing differs from what is stored" in second.output


def test_a_rejected_table_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    store = tmp_path / "store"
    source = damaged(tmp_path, figure_cell(), "about ninety")
    assert run("load", str(source), "--store", str(store)).exit_code == 1
    assert not list(store.rglob("*.parquet"))


def test_template_takes_ranges_and_lists_of_years(tmp_path: Path) -> None:
    target = tmp_path / "t.xlsx"
    done = run(
        "template",
        "--country",
        "KHM",
        "--years",
        "2020-2021,2024",
        "--table",
        "T15",
        "-o",
        str(target),
    )
    assert done.exit_code == 0, done.output
    assert target.stat().st_size > 0
    wrong = run("template", "--country", "KHM", "--years", "soon", "-o", str(target))
    assert wrong.exit_code == 2
    assert "2015-2024" in wrong.output


def test_template_refuses_an_unknown_country_or_table(tmp_path: Path) -> None:
    target = tmp_path / "t.xlsx"
    for arguments in (
        ("--country", "XXX", "--table", "T15"),
        ("--country", "IDN", "--table", "T99"),
    ):
        result = run("template", *arguments, "--years", "2024", "-o", str(target))
        assert result.exit_code == 2, result.output
        assert "Traceback" not in result.output
    assert not target.exists()


def test_artefacts_check_passes_on_the_built_in_files() -> None:
    result = run("artefacts", "check")
    assert result.exit_code == 0, result.output


def test_artefacts_check_finds_a_changed_final_version(tmp_path: Path) -> None:
    for room in ("codelists", "dsd"):
        shutil.copytree(PACKAGE_ROOT / room / "artefacts", tmp_path / room / "artefacts")
    path = tmp_path / "codelists/artefacts/codelist/ILMS/CL_SEX/1.0.0.json"
    path.write_text(path.read_text(encoding="utf-8").replace("Female", "Women"), encoding="utf-8")
    result = run(
        "artefacts", "check", str(tmp_path / "codelists/artefacts"), str(tmp_path / "dsd/artefacts")
    )
    assert result.exit_code == 1
    assert "CL_SEX" in result.output


def test_serve_says_that_its_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run("serve", "--port", port, "--store", str(tmp_path / "store"))
    assert result.exit_code == 2
    assert "Address already in use" in result.output
