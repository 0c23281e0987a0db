"""Artefacts from where a person has them: a folder of files, a structure message, or the URL of one."""

from __future__ import annotations

import logging
from pathlib import Path

from dsd.finding import Report
from dsd.structures import Structures, load_structures
from service.formats import STRUCTURE_FORMATS, UnknownFormatError
from service.formats.catalogue import content_type
from service.formats.recognition import HEAD_BYTES, recognise_structures
from service.submission.body import BodyError, opened

logger = logging.getLogger(__name__)

MOST_BYTES = 256 * 1024 * 1024
"""Size of the largest structure message taken from a URL."""
_TIMEOUT_SECONDS = 60


class UnreadableStructuresError(ValueError):
    """A place that gives no structures; says why."""


def structures_from(place: str) -> Structures:
    """Return the artefacts of a folder, a file (any structure format, packed or not) or a URL.

    Raises:
        UnreadableStructuresError: there are none, or they cannot be read.
    """
    if place.startswith(("http://", "https://")):
        return _decoded(_fetched(place), place)
    path = Path(place)
    if path.is_dir():
        return load_structures([path])
    if not path.is_file():
        raise UnreadableStructuresError(f"{place} is neither a folder, a file nor a URL")
    return _decoded(path, place)


def _fetched(url: str) -> bytes:
    """Return what a URL answers, asked for in the formats that can be read."""
    # Imported here: most conversions ask no server.
    import requests

    readable = [content_type(entry) for entry in STRUCTURE_FORMATS if entry.decode]
    accept = ", ".join([*readable, "application/xml;q=0.5", "*/*;q=0.1"])
    try:
        with requests.get(
            url, headers={"Accept": accept}, timeout=_TIMEOUT_SECONDS, stream=True
        ) as answer:
            answer.raise_for_status()
            body = bytearray()
            for chunk in answer.iter_content(65_536):
                body += chunk
                if len(body) > MOST_BYTES:
                    raise UnreadableStructuresError(f"{url} answers more than {MOST_BYTES:,} bytes")
            return bytes(body)
    except requests.RequestException as error:
        raise UnreadableStructuresError(f"{url} cannot be read: {error}") from error


def _decoded(source: Path | bytes, place: str) -> Structures:
    try:
        with opened(source) as body:
            head = body.stream.read(HEAD_BYTES)
            body.stream.seek(0)
            found = recognise_structures(head)
            if found is None or found.decode is None:
                raise UnreadableStructuresError(f"{place} is no SDMX structure message")
            report = Report()
            artefacts = found.decode(body.stream.read(), report)
    except (BodyError, UnknownFormatError, ValueError) as error:
        raise UnreadableStructuresError(f"{place}: {error}") from error
    for finding in report.findings:
        logger.warning("%s: %s", place, finding.message)
    return Structures(artefacts)
