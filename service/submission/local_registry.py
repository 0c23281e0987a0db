"""Registries at hand: that of a store, and artefacts in files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from codelists.base import Maintainable
from dsd.sdmx_json import StructureMessageError, encode_artefact_file
from dsd.structures import Structures
from service.access.principal import Principal, Role
from service.config import Settings
from service.registry.maintenance import StructureAction
from service.registry.registries import Registries
from service.store.protocol import Store
from service.submission.artefacts import UnreadableStructuresError, structures_from
from service.submission.registry_exchange import Progress, RegistryError
from service.submission.structures import (
    Asked,
    StructureDesk,
    SubmissionTooLargeError,
    UnreadableMessageError,
    UnsupportedBodyError,
)


class StoredRegistry:
    """The registry that a service over a store would have."""

    def __init__(
        self, store: Store, built_in: Structures, settings: Settings, as_of: datetime | None = None
    ) -> None:
        self.name = "the store"
        self._registries = Registries(built_in, store.artefacts)
        self._desk = StructureDesk(self._registries, store.artefacts, store, settings)
        self._as_of = as_of

    def read(self, progress: Progress) -> Structures:
        """Return all artefacts."""
        registry = (
            self._registries.current() if self._as_of is None else self._registries.at(self._as_of)
        )
        progress(len(registry.structures), len(registry.structures))
        return registry.structures

    def send(self, message: bytes) -> None:
        """Bring a message of structures, each to be there as it stands in it.

        Raises:
            RegistryError: it is not taken.
        """
        # Who may write the files of the store may maintain everything.
        principal = Principal("ilms registry import", "*", Role.ADMINISTRATOR)
        asked = Asked("ilms registry import", principal, StructureAction.REPLACE)
        try:
            done = self._desk.submit(message, None, asked)
        except (UnreadableMessageError, UnsupportedBodyError, SubmissionTooLargeError) as error:
            raise RegistryError(str(error)) from error
        if done.plan.is_refused:
            told = [outcome.text for outcome in done.plan.outcomes if outcome.faults]
            raise RegistryError("".join(f"\n  {text}" for text in told[:5]))


class FiledRegistry:
    """Artefacts in a file of any structure format, in a folder of artefact files, or at a URL of a message."""

    def __init__(self, place: str) -> None:
        self.name = place

    def read(self, progress: Progress) -> Structures:
        """Return all artefacts.

        Raises:
            RegistryError: they cannot be read.
        """
        try:
            found = structures_from(self.name)
        except (StructureMessageError, UnreadableStructuresError) as error:
            raise RegistryError(str(error)) from error
        progress(len(found), len(found))
        return found


def write_artefact_files(folder: Path, artefacts: Iterable[Maintainable]) -> set[Path]:
    """Write each artefact into a file of its own, path = identity, and return the paths.

    `TYPE/AGENCY/ID/VERSION.json`, laid out so that a diff reads one item a line.
    """
    written = set()
    for artefact in artefacts:
        kind = artefact.artefact_type
        name = f"{artefact.version}.json"
        path = folder / kind.resource / artefact.agency_id / artefact.id / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_artefact_file(artefact))
        written.add(path)
    return written
