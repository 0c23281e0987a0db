"""`ilms convert` between any two formats, as a person calls it."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dsd.structures import PACKAGE_ROOT, Structures
from service.cli import main
from service.formats import DATA_FORMATS, STRUCTURE_FORMATS
from service.formats.contract import EncodeOptions, Header

WORKBOOKS = PACKAGE_ROOT / "converters" / "examples" / "submissions"
ONE_TABLE = WORKBOOKS / "TLS.xlsx"
SEVERAL_TABLES = WORKBOOKS / "IDN.xlsx"
EXAMPLES = Path(__file__).parents[1] / "examples"
BOTH_WAYS = [entry for entry in DATA_FORMATS if entry.encode and entry.decode]


def run(*arguments: str, standard_input: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["convert", *arguments], input=standard_input)


def convert(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("reference") / "tls.csv"
    convert(str(ONE_TABLE), "-o", str(file))
    return file


@pytest.mark.parametrize("entry", BOTH_WAYS, ids=lambda entry: entry.name)
def test_there_and_back_through_every_format(entry, reference: Path, tmp_path: Path) -> None:
    there, back = tmp_path / f"there{entry.extension}", tmp_path / "back.csv"
    output = convert(str(reference), "-o", str(there), "--to", entry.name)
    assert f"Wrote {there}: 21 observations of ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)." in output
    back_output = run(str(there), "-o", str(back))
    assert back_output.exit_code == 0, back_output.output
    # An action that the format has no word for comes back as one that means the same.
    expected = reference.read_text().replace(",M,TLS", ",A,TLS")
    if entry.name == "csv10":
        # SDMX-CSV 1.0 names dataflows and nothing else.
        agreement = "dataprovision,ILMS:PA_TLS_MNA_OEMP_SEX_CDS(1.0.0)"
        expected = expected.replace(agreement, "dataflow,ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)")
    assert back.read_text().replace(",M,TLS", ",A,TLS").replace(",I,TLS", ",A,TLS") == expected


def test_tables_that_fit_one_message_are_one_message(tmp_path: Path) -> None:
    target = tmp_path / "idn.xml"
    output = convert(str(SEVERAL_TABLES), "-o", str(target))
    assert output.count("Wrote ") == 1
    assert target.read_text().count("<mes:DataSet ") > 1


def test_tables_that_do_not_are_a_file_each(tmp_path: Path) -> None:
    convert(str(SEVERAL_TABLES), "-o", str(tmp_path / "idn.parquet"))
    found = {file.name for file in tmp_path.iterdir()}
    assert "idn.MNA_OEMP_SEX_CDS.parquet" in found
    assert len(found) > 1
    result = run(str(SEVERAL_TABLES), "-o", "-", "--to", "parquet")
    assert result.exit_code == 2
    assert "one data set a message" in result.output


def test_standard_input_and_output(reference: Path) -> None:
    result = run("-", "-o", "-", "--to", "json", standard_input=reference.read_bytes())
    assert result.exit_code == 0
    assert result.stdout.startswith('{"$schema"')
    result = run("-", "-o", "-", standard_input=reference.read_bytes())
    assert result.exit_code == 2
    assert "--to" in result.output


def test_a_workbook_of_data_and_a_questionnaire_are_two_things(
    reference: Path, tmp_path: Path
) -> None:
    data, questionnaire = tmp_path / "data.xlsx", tmp_path / "filled.xlsx"
    assert "21 observations" in convert(str(reference), "-o", str(data), "--to", "xlsx")
    assert "questionnaire of TLS" in convert(str(reference), "-o", str(questionnaire))


# -- structures that the caller brings -------------------------------------------------------------

FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_T(1.0.0)"
DATA = "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE,OBS_STATUS\n" + (
    "dataflow,TST:DF_T(1.0.0),R,A,IDN,SEX_T,2024,12.0,A\n"
)
PLAIN = "FREQ,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE,OBS_STATUS\nA,IDN,SEX_T,2024,12.0,A\n"


@pytest.fixture(scope="module")
def own_structures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Structures of one's own in every structure format, and packed."""
    from dsd.sdmx_json import decode_structures

    folder = tmp_path_factory.mktemp("structures")
    source = EXAMPLES / "formats" / "structures" / "structures.json"
    needed = ("Codelist", "ConceptScheme", "DataStructure", "Dataflow")
    artefacts = [
        artefact
        for artefact in decode_structures(source.read_bytes()).data.all()
        if artefact.urn.type in needed
    ]
    found = {}
    for entry in STRUCTURE_FORMATS:
        if entry.encode and entry.decode:
            header = Header("T", datetime(2026, 1, 1, tzinfo=UTC))
            chunks = entry.encode(header, artefacts, Structures(artefacts), EncodeOptions())
            found[entry.name] = folder / f"{entry.name}{entry.extension}"
            found[entry.name].write_bytes(b"".join(chunks))
    found["packed"] = folder / "packed.gz"
    found["packed"].write_bytes(gzip.compress(source.read_bytes()))
    return found


@pytest.mark.parametrize("name", [*(entry.name for entry in STRUCTURE_FORMATS), "packed"])
def test_structures_come_from_a_file_of_any_format(
    name: str, own_structures: dict[str, Path], tmp_path: Path
) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.json"
    source.write_text(DATA)
    convert(str(source), "-o", str(target), "--structures", str(own_structures[name]))
    assert '"12.0"' in target.read_text() or "12.0" in target.read_text()


@pytest.fixture
def address(own_structures: dict[str, Path]) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **named) -> None:
            super().__init__(*arguments, directory=str(own_structures["json"].parent), **named)

        def log_message(self, *_arguments) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_structures_come_from_a_url(address: str, tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.xml"
    source.write_text(DATA)
    convert(str(source), "-o", str(target), "--structures", f"{address}/ml21.xml")
    assert 'OBS_VALUE="12.0"' in target.read_text()
    result = run(str(source), "-o", str(target), "--structures", f"{address}/none.xml")
    assert result.exit_code == 2
    assert "404" in result.output


def test_a_place_without_structures_is_refused(tmp_path: Path, reference: Path) -> None:
    for place, says in ((tmp_path / "none.xml", "neither"), (reference, "no SDMX structure")):
        result = run(str(reference), "-o", str(tmp_path / "x.json"), "--structures", str(place))
        assert result.exit_code == 2
        assert says in result.output


@pytest.mark.parametrize("name", ["DF_T", "TST:DF_T(1.0.0)", FLOW])
def test_data_that_name_no_structure_are_read_by_the_one_that_is_named(
    name: str, own_structures: dict[str, Path], tmp_path: Path
) -> None:
    source, target = tmp_path / "plain.csv", tmp_path / "out.csv"
    source.write_text(PLAIN)
    places = ("--structures", str(own_structures["json"]))
    convert(str(source), "-o", str(target), *places, "--structure", name)
    assert "dataflow,TST:DF_T(1.0.0)," in target.read_text()
    result = run(str(source), "-o", str(target), *places, "--structure", "DF_NONE")
    assert result.exit_code == 2
    assert "DF_NONE" in result.output


# -- what is in error, or doubtful -----------------------------------------------------------------


def test_lenient_writes_the_rest_and_strict_takes_no_warning(
    own_structures: dict[str, Path], tmp_path: Path
) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    places = ("--structures", str(own_structures["json"]))
    source.write_text(DATA + "dataflow,TST:DF_T(1.0.0),R,A,LAO\n")
    result = run(str(source), "-o", str(target), *places)
    assert result.exit_code == 1
    assert "--lenient" in result.output
    assert not target.exists()
    result = run(str(source), "-o", str(target), *places, "--lenient")
    assert result.exit_code == 1
    assert target.read_text().count("\n") == 2
    target.unlink()
    source.write_text(DATA.replace("OBS_STATUS", "OBS_STATUS,mine").replace(",A\n", ",A,x\n"))
    assert run(str(source), "-o", str(target), *places, "--strict").exit_code == 1
    assert not target.exists()
    assert run(str(source), "-o", str(target), *places).exit_code == 0


def test_what_a_format_leaves_out_is_told_and_strict_writes_nothing(tmp_path: Path) -> None:
    """Texts in languages, where the target holds one."""
    places = ("--structures", str(EXAMPLES / "formats" / "structures" / "localised.json"))
    source, target = tmp_path / "in.csv", tmp_path / "out.xml"
    source.write_text(
        "STRUCTURE[;],STRUCTURE_ID,ACTION,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE,REMARK[en;fr]\n"
        "dataflow,TST:DF_L(1.0.0),M,LAO,M,2024,1,en:All of them;fr:Tous\n"
    )
    result = run(str(source), "-o", str(target), *places, "--to", "ml21")
    assert result.exit_code == 0, result.output
    assert "languages-left-out" in result.output
    assert "All of them" in target.read_text()
    assert "Tous" not in target.read_text()
    target.unlink()
    result = run(str(source), "-o", str(target), *places, "--to", "ml21", "--language", "fr")
    assert "Tous" in target.read_text()
    target.unlink()
    result = run(str(source), "-o", str(target), *places, "--to", "ml21", "--strict")
    assert result.exit_code != 0
    assert "--strict" in result.output
    assert not target.exists()
    result = run(str(source), "-o", str(target), *places, "--to", "ml31", "--strict")
    assert result.exit_code == 0, result.output
    back = tmp_path / "back.csv"
    assert run(str(target), "-o", str(back), *places, "--strict").exit_code == 0
    assert "en:All of them;fr:Tous" in back.read_text()


def test_another_layout(reference: Path, tmp_path: Path) -> None:
    target = tmp_path / "flat.xml"
    convert(str(reference), "-o", str(target), "--dimension-at-observation", "AllDimensions")
    assert "<Series" not in target.read_text()
    result = run(str(reference), "-o", str(target), "--dimension-at-observation", "COLOUR")
    assert result.exit_code == 2
    assert "COLOUR" in result.output


def test_nothing_of_a_refused_conversion_stays(reference: Path, tmp_path: Path) -> None:
    result = run(
        str(reference), "-o", str(tmp_path / "x.xml"), "--dimension-at-observation", "COLOUR"
    )
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []
