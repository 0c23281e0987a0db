"""The registry of a running service, over SDMX REST 2.2."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import requests
from lxml import etree

from codelists.base import Maintainable
from codelists.urn import LEGACY_TYPES, TYPE_OF_NAME, Urn
from dsd.sdmx_json import StructureMessageError
from dsd.structures import Structures
from service.formats import UnknownFormatError
from service.formats.recognition import HEAD_BYTES, recognise_structures
from service.submission.registry_exchange import Progress, RegistryError

_JSON = "application/vnd.sdmx.structure+json;version=2.1.0"
_ACCEPT = f"{_JSON}, application/vnd.sdmx.structure+json;version=2.0.0;q=0.8, application/vnd.sdmx.structure+xml;q=0.5"
_ML21 = "application/vnd.sdmx.structure+xml;version=2.1"
_ML30 = "application/vnd.sdmx.structure+xml;version=3.0.0"
_LEFT_OUT = "left out"
"""What our service says in `Warning` where the format cannot express all of several artefacts."""
_ENTRY = "/sdmx/v2"
_IDS = 25
"""Artefacts of a type and agency that one request asks for."""
_TIMEOUT_SECONDS = 300
_ATTEMPTS = 4
_MOST_TOLD = 5
_NOTHING = (204, 404)
_ABSENT = (400, 405, 501)
"""What services answer that have no such resource."""
_BUSY = (429, 502, 503, 504)


class _PartialError(RegistryError):
    """No one format has all that was asked for."""


class RemoteRegistry:
    """A service that answers SDMX REST 2.2, and takes structures where a token is given."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Know a service by its URL: the host (`https://example.org`) or the entry point (`.../sdmx/v2`)."""
        base = url.rstrip("/")
        self._base = base if base.endswith("/v2") else f"{base}{_ENTRY}"
        self.name = self._base
        self._pause = pause
        self._session = requests.Session()
        if token is not None:
            self._session.headers["Authorization"] = f"Bearer {token}"

    # -- reading -----------------------------------------------------------------------------------

    def read(self, progress: Progress) -> Structures:
        """Return all artefacts, of one moment; read again where it changes meanwhile.

        Raises:
            RegistryError: it cannot be read, or changes all the time.
        """
        for _ in range(_ATTEMPTS):
            before = self._revision()
            found = self._read(progress)
            if found is not None and before == self._revision():
                return found
        raise RegistryError(f"{self.name} changes while it is read; try again later")

    def _read(self, progress: Progress) -> Structures | None:
        """Return all artefacts, None where one that was listed has gone meanwhile."""
        listed = [stub.urn for stub in self._get("structure/*/*/*/*", detail="allstubs")]
        artefacts: dict[Urn, Maintainable] = {}
        for some in _slices(listed):
            for artefact in self._in_full(some):
                artefacts[artefact.urn] = artefact
            progress(len(artefacts), len(listed))
        if any(urn not in artefacts for urn in listed):
            return None
        legacy = {artefact.urn: artefact for artefact in self._legacy()}
        return Structures([*artefacts.values(), *legacy.values()])

    def _in_full(self, urns: Sequence[Urn]) -> Iterator[Maintainable]:
        """Yield artefacts of one type and agency, in all versions."""
        start = f"structure/{TYPE_OF_NAME[urns[0].type].resource}/{urns[0].agency}"
        ids = ",".join(dict.fromkeys(quote(urn.id, safe="@$") for urn in urns))
        try:
            yield from self._get(f"{start}/{ids}/*", detail="raw")
        except _PartialError:
            # No format has all of them: each in the one that has it.
            for urn in urns:
                yield from self._get(
                    f"{start}/{quote(urn.id, safe='@$')}/{urn.version}", detail="raw"
                )

    def _legacy(self) -> Iterator[Maintainable]:
        """Yield the artefacts of the types of SDMX 2.1 that 2.2 has no resource for."""
        line = f"{self._base.removesuffix('/v2')}/v1"
        for entry in LEGACY_TYPES:
            # What is left out of the list is of 3.x, whose artefacts the resource has too.
            answer = self._asked(
                "GET",
                f"{line}/{entry.resource}/all/all/all",
                params={"detail": "allstubs"},
                headers={"Accept": _ML21},
            )
            if answer.status_code in (*_NOTHING, *_ABSENT):
                continue
            for stub in self._decoded(answer):
                if stub.type_name == entry.name:
                    named = f"{stub.agency_id}/{quote(stub.id, safe='@$')}/{stub.version}"
                    yield from self._get(f"{entry.resource}/{named}", line)

    def _revision(self) -> str | None:
        """Return what differs when the structures have changed, None where the service does not tell."""
        answer = self._asked("GET", f"{self._base}/structure-history", params={"limit": "1"})
        return answer.text if answer.ok else None

    def _get(self, path: str, line: str | None = None, **parameters: str) -> Sequence[Maintainable]:
        """Return all artefacts that a path names, in a format that has all of them.

        Raises:
            RegistryError: the service does not answer, or not with structures.
            _PartialError: each format leaves something out.
        """
        url = f"{line or self._base}/{path}"
        for accept in (_ACCEPT, _ML21, _ML30):
            answer = self._asked("GET", url, params=parameters, headers={"Accept": accept})
            if answer.status_code in _NOTHING:
                return ()
            if answer.status_code == 400 and parameters.get("detail") == "raw":
                # `raw` came with 2.0; a service without it has no extensions to resolve either.
                return self._get(path, line, detail="full")
            if answer.status_code != 406 and _LEFT_OUT not in answer.headers.get("Warning", ""):
                return self._decoded(answer)
        raise _PartialError(f"{url} names what no structure format of {self.name} can express")

    def _decoded(self, answer: requests.Response) -> Sequence[Maintainable]:
        if not answer.ok:
            raise RegistryError(f"{answer.url} answers {answer.status_code}: {_told(answer)}")
        try:
            found = recognise_structures(answer.content[:HEAD_BYTES])
            if found is None or found.decode is None:
                raise RegistryError(f"{answer.url} answers no SDMX structure message")
            return found.decode(answer.content)
        except (StructureMessageError, UnknownFormatError) as error:
            raise RegistryError(f"{answer.url}: {error}") from error

    # -- writing -----------------------------------------------------------------------------------

    def send(self, message: bytes) -> None:
        """Bring a message of structures, each to be there as it stands in it.

        Raises:
            RegistryError: it is not taken.
        """
        answer = self._asked(
            "POST",
            f"{self._base}/structure",
            data=message,
            headers={"Content-Type": _JSON, "Action": "Replace", "Accept": "application/xml"},
        )
        if not answer.ok:
            raise RegistryError(
                f"{self.name} answers {answer.status_code} and took nothing of this message: {_told(answer)}"
            )

    def _asked(self, method: str, url: str, **options: Any) -> requests.Response:
        """Return the answer to a request, which may be repeated: it says how things are to be."""
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            try:
                answer = self._session.request(method, url, timeout=_TIMEOUT_SECONDS, **options)
            except requests.RequestException as error:
                if last:
                    raise RegistryError(f"{self.name} cannot be reached: {error}") from error
            else:
                if last or answer.status_code not in _BUSY:
                    return answer
            self._pause(2.0**attempt)
        raise AssertionError  # pragma: no cover - the last attempt returns or raises


def _slices(urns: Sequence[Urn]) -> Iterator[Sequence[Urn]]:
    """Yield artefacts of one type and agency at a time, all versions of some of them."""
    groups: dict[tuple[str, str], dict[str, list[Urn]]] = {}
    for urn in urns:
        groups.setdefault((urn.type, urn.agency), {}).setdefault(urn.id, []).append(urn)
    for by_id in groups.values():
        ids = list(by_id)
        for start in range(0, len(ids), _IDS):
            yield [urn for id in ids[start : start + _IDS] for urn in by_id[id]]


def _told(answer: requests.Response) -> str:
    """Return what an answer says of its failure: the results of artefacts, or an error."""
    try:
        root = etree.fromstring(answer.content)
    except etree.XMLSyntaxError:
        return answer.text[:1000]
    results = list(root.iter("{*}SubmissionResult"))
    if not results:
        return " ".join(str(text) for text in root.itertext() if text.strip())[:1000]
    failures = [
        result.findtext(".//{*}Text") or ""
        for result in results
        if (code := result.find(".//{*}MessageText")) is not None and code.get("code") != "424"
    ]
    more = f"\n  and {len(failures) - _MOST_TOLD} more" if len(failures) > _MOST_TOLD else ""
    return "".join(f"\n  {text}" for text in failures[:_MOST_TOLD]) + more
