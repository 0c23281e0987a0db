"""`ilms registry` moves a whole registry between running services, stores and files without loss."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from codelists.base import Annotation, Maintainable, replaced
from codelists.hierarchy import HierarchicalCodelist
from codelists.item_scheme import Code, Codelist, Concept, ConceptScheme
from codelists.representation import Representation
from codelists.urn import LEGACY_TYPES, Urn
from dsd.finding import Report
from dsd.sdmx_json import StructureMessageError
from dsd.structure import AttachmentConstraint, Categorisation
from dsd.structure_map import StructureSet
from dsd.structures import Structures, read_artefact_files
from service.cli import main
from service.config import Settings, utc_now
from service.formats.contract import EncodeOptions, Header, StructureFormat
from service.formats.recognition import HEAD_BYTES, UnrecognisedError, recognise_structures
from service.formats.structure_json import encode_structures_json
from service.formats.structure_table.vocabulary import Form
from service.registry.registries import as_text
from service.store import open_store
from service.store.protocol import ArtefactChange, StructureRecord
from service.submission import registry_exchange
from service.submission.registry_exchange import differences, in_order, messages

NOTE = Annotation(id="NOTE", type="x", value="v", texts={"en": "Note", "km": "ចំណាំ"})


def codelist(id: str, codes: str = "AB", version: str = "1.0", **more: Any) -> Codelist:
    listed = tuple(
        Code(id=code, names={"en": f"Code {code}", "lo": "ລະຫັດ"}, annotations=(NOTE,))
        for code in codes
    )
    return Codelist(
        **{"id": id, "agency_id": "TST", "version": version, "names": {"en": id}, "codes": listed}
        | more
    )


def concepts(id: str, *lists: Codelist) -> ConceptScheme:
    return ConceptScheme(
        id=id, agency_id="TST", version="1.0", names={"en": id},
        concepts=tuple(
            Concept(id=f"C{n}", names={"en": "c"}, core_representation=Representation(enumeration=str(each.urn)))
            for n, each in enumerate(lists)
        ),
    )  # fmt: skip


LISTS = [codelist(f"CL_{number}") for number in range(30)]
PUSHED: list[Maintainable] = [
    concepts("CS_FIRST", *LISTS),
    *LISTS,
    codelist("CL_0", "ABC", "1.0.0"),
    codelist("CL_0", "ABCD", "1.1.0-draft", is_partial=True),
    replaced(codelist("CL_SUB"), agency_id="TST.SUB"),
    codelist("CL_FINAL", version="2.0", is_final=True),
]


def run(*arguments: object, token: str | None = None) -> Result:
    environment = {} if token is None else {"ILMS_TOKEN": token}
    return CliRunner().invoke(main, ["registry", *map(str, arguments)], env=environment)


def write(path: Path, artefacts: list[Maintainable]) -> Path:
    chunks = encode_structures_json(
        Form.JSON21, Header("M", utc_now()), artefacts, Structures(artefacts), EncodeOptions()
    )
    path.write_bytes(b"".join(chunks))
    return path


def token_for(store: Path) -> str:
    made = CliRunner().invoke(
        main,
        [
            "users",
            "add",
            "root",
            "--agency",
            "TST",
            "--role",
            "administrator",
            "--store",
            str(store),
        ],
    )
    return made.stdout.strip()


@pytest.fixture
def pushed(tmp_path: Path) -> Path:
    return write(tmp_path / "pushed.json", PUSHED)


@pytest.fixture
def filled(tmp_path: Path, pushed: Path) -> Path:
    """A store to which everything was pushed."""
    done = run("import", pushed, "--store", tmp_path / "filled")
    assert done.exit_code == 0, done.output
    assert f"{len(PUSHED)} artefacts sent, 0 were there already" in done.output
    return tmp_path / "filled"


def test_a_registry_moves_between_two_running_services(
    serve: Callable[[Path], str], filled: Path, tmp_path: Path
) -> None:
    token = token_for(tmp_path / "other")
    first, second = serve(filled), serve(tmp_path / "other")
    before = run("diff", first, second)
    assert before.exit_code == 1
    assert before.stdout.count("\n") == len(PUSHED)
    assert "- Codelist TST:CL_0(1.1.0-draft)" in before.stdout
    assert run("export", first, "-o", tmp_path / "all.json").exit_code == 0
    assert run("import", tmp_path / "all.json", second, token=f"{token}x").exit_code == 2
    done = run("import", tmp_path / "all.json", second, token=token)
    assert done.exit_code == 0, done.output
    assert f"{len(PUSHED)} artefacts sent" in done.output
    after = run("diff", first, second)
    assert (after.exit_code, after.stdout) == (0, "")
    # Again, and from service to service: nothing is left to do.
    again = run("import", first, second, token=token)
    assert again.output.startswith("0 artefacts sent")
    history = requests.get(f"{second}/sdmx/v2/structure-history?limit=1", timeout=10).json()
    assert len(history["changes"]) == 1


def test_what_was_interrupted_goes_on(
    serve: Callable[[Path], str], filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_for(tmp_path / "other")
    second = serve(tmp_path / "other")
    monkeypatch.setattr(registry_exchange, "SLICE_ARTEFACTS", 10)
    broken = write(tmp_path / "broken.json", [*PUSHED, concepts("CS_BAD", codelist("CL_NOWHERE"))])
    done = run("import", broken, second, token=token)
    assert done.exit_code == 2
    assert (
        "Codelist TST:CL_NOWHERE(1.0) is neither in the registry nor in the message" in done.output
    )
    assert "/data/conceptSchemes/" in done.output
    done = run("import", tmp_path / "pushed.json", second, token=token)
    assert done.exit_code == 0, done.output
    sent = int(done.output.split()[0])
    assert 0 < sent < len(PUSHED)
    assert run("diff", "store", second, "--store", filled).exit_code == 0


def test_a_folder_and_a_file_hold_all_of_it(filled: Path, tmp_path: Path, structures) -> None:
    folder = tmp_path / "folder"
    assert run("export", "-o", folder, "--store", filled).exit_code == 0
    files = dict(read_artefact_files([folder]))
    assert len(files) == len(PUSHED) + len(structures)
    assert folder / "codelist/TST/CL_0/1.1.0-draft.json" in files
    assert run("diff", "store", folder, "--store", filled).exit_code == 0
    (folder / "codelist/TST/CL_0/1.0.0.json").unlink()
    gone = run("diff", "store", folder, "--store", filled)
    assert (gone.exit_code, gone.stdout) == (1, "- Codelist TST:CL_0(1.0.0)\n")
    assert run("import", folder, "--store", tmp_path / "again").exit_code == 0
    packed = run("export", "-o", tmp_path / "again.json", "--store", tmp_path / "again")
    assert packed.exit_code == 0
    assert run("diff", folder, tmp_path / "again.json").exit_code == 0


def test_a_format_that_cannot_hold_all_is_refused(filled: Path, tmp_path: Path) -> None:
    done = run("export", "-o", tmp_path / "all.xml", "--store", filled)
    assert done.exit_code == 2
    assert "cannot express" in done.output
    assert not (tmp_path / "all.xml").exists()


def test_one_agency_alone_is_brought(pushed: Path, tmp_path: Path) -> None:
    done = run("import", pushed, "--agency", "TST.SUB", "--store", tmp_path / "s")
    assert done.output.startswith("1 artefacts sent")


def test_a_difference_names_what_differs(tmp_path: Path) -> None:
    one = write(tmp_path / "one.json", [codelist("CL", "ABC")])
    changed = codelist("CL", "BAD", names={"en": "Other"})
    codes = tuple(
        replaced(code, names={"en": "new"}, name="new") if code.id == "B" else code
        for code in changed.codes
    )
    other = write(tmp_path / "other.json", [replaced(changed, codes=codes), codelist("CL_MORE")])
    done = run("diff", one, other)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "~ Codelist TST:CL(1.0): name; names; only in the first: C; only in the second: D; changed: B; items in another order",
        "+ Codelist TST:CL_MORE(1.0)",
    ]


def test_the_history_and_a_former_state_of_a_store(filled: Path, tmp_path: Path) -> None:
    urn = str(codelist("CL_1").urn)
    write(tmp_path / "more.json", [codelist("CL_1", "ABC")])
    assert run("import", tmp_path / "more.json", "--store", filled).exit_code == 0
    lines = run("history", urn, "--store", filled).stdout.splitlines()
    assert [line.split("\t")[2:4] for line in lines] == [["Replace", urn], ["Append", urn]]
    assert "ilms registry import" in lines[0]
    assert len(run("history", "--store", filled, "--limit", 3).stdout.splitlines()) == 3
    past = run("export", "-o", tmp_path / "past.json", "--store", filled, "--as-of", "2026-01-01")
    assert past.exit_code == 0
    assert b"TST" not in (tmp_path / "past.json").read_bytes()
    assert (
        run(
            "export", tmp_path / "more.json", "-o", tmp_path / "x.json", "--as-of", "2026-01-01"
        ).exit_code
        == 2
    )


def test_a_place_that_is_none_is_told(tmp_path: Path) -> None:
    done = run("diff", tmp_path / "none", "http://127.0.0.1:1")
    assert done.exit_code == 2
    assert "neither a folder, a file nor a URL" in done.output
    source = write(tmp_path / "one.json", [codelist("CL")])
    assert run("import", source, tmp_path / "folder").exit_code == 2


def test_what_is_referred_to_comes_first_and_circles_stay_together() -> None:
    lists = LISTS[:5]
    user = concepts("CS", *lists)
    ordered = in_order([user, *lists])
    assert [group[0].urn.type for group in ordered][-1] == "ConceptScheme"
    assert [len(group) for group in ordered] == [1] * 6
    sent = list(messages(ordered))
    assert [count for _, count in sent] == [6]
    first = Categorisation(
        id="X", agency_id="T", version="1.0", names={"en": "x"},
        source=str(Urn("Categorisation", "T", "Y", "1.0")),
    )  # fmt: skip
    second = replaced(first, id="Y", source=str(first.urn))
    assert [len(group) for group in in_order([first, *lists, second])] == [2, 1, 1, 1, 1, 1]


def test_equal_registries_have_no_difference() -> None:
    assert list(differences(Structures(PUSHED), Structures(PUSHED[::-1]))) == []
    assert json.loads(next(messages([PUSHED[1:3]]))[0])["meta"]["id"] == "REGISTRY"


def test_40_every_type_of_artefact_survives_the_way(
    shared: Any, serve: Callable[[Path], str], tmp_path: Path
) -> None:
    """The artefacts of all official samples, among them the types that SDMX 3.0 gave up."""
    samples: dict[Urn, Maintainable] = {}
    for path in sorted((shared / "spec/samples").rglob("*")):
        kind = recognise(path) if path.suffix in (".xml", ".json") else None
        if kind is None or kind.decode is None:
            continue
        with contextlib.suppress(StructureMessageError):
            for artefact in kind.decode(path.read_bytes(), Report()):
                if artefact.type_name != "AvailabilityConstraint":
                    samples[artefact.urn] = replaced(artefact, is_external_reference=False)
    for legacy in (HierarchicalCodelist, StructureSet, AttachmentConstraint):
        old = legacy(id="OLD", agency_id="TST", version="1.0", names={"en": "Of SDMX 2.1"})
        samples[old.urn] = old
    assert {entry.name for entry in LEGACY_TYPES} < {urn.type for urn in samples}
    assert len({urn.type for urn in samples}) > 25
    # Past the desk, which would ask for all that they refer to.
    store = open_store(Settings(store_folder=tmp_path / "samples"))
    with store.artefacts.changing():
        store.artefacts.write(
            [ArtefactChange(str(urn), "Append", as_text(each)) for urn, each in samples.items()],
            StructureRecord("test", "TST", "test"),
        )
    store.close()
    url = serve(tmp_path / "samples")
    done = run("export", url, "-o", tmp_path / "folder")
    assert done.exit_code == 0, done.output
    done = run("diff", "store", tmp_path / "folder", "--store", tmp_path / "samples")
    assert (done.exit_code, done.stdout) == (0, "")


def recognise(path: Path) -> StructureFormat | None:
    try:
        return recognise_structures(path.read_bytes()[:HEAD_BYTES])
    except UnrecognisedError:
        return None
