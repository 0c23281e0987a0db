"""Structures from one SDMX format to another, for `ilms convert`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from service.commands.refusal import Refusal, refusing, say
from service.commands.target import replacing

if TYPE_CHECKING:
    from dsd.structures import Structures

_STREAM = Path("-")


def convert_structures(
    source: Path, target: Path, format_name: str | None, structures: Structures
) -> bool:
    """Write the structures of a structure message in another format; False where the source is none.

    What the format cannot express is reported, and left out.
    """
    from dsd.finding import Report
    from dsd.sdmx_json import StructureMessageError
    from dsd.structures import Structures
    from service.config import utc_now
    from service.formats import UnknownFormatError, find_structure_format
    from service.formats.contract import EncodeOptions, Header, NotExpressibleError
    from service.formats.recognition import HEAD_BYTES, UnrecognisedError, recognise_structures
    from service.submission.body import BodyError, opened
    from service.submission.report import findings_as_text

    try:
        with opened(source) as body:
            found = recognise_structures(body.stream.read(HEAD_BYTES))
            body.stream.seek(0)
            if found is None or found.decode is None:
                return False
            with refusing(UnknownFormatError):
                wanted = find_structure_format(format_name or target.suffix)
            report = Report()
            with refusing(StructureMessageError):
                artefacts = found.decode(body.stream.read(), report)
    except (BodyError, UnrecognisedError):
        # The reader of data says what the file is instead.
        return False
    if wanted.encode is None:
        raise Refusal(f"{wanted.name} can be read only")
    known = Structures(artefacts).joined(structures)
    header = Header(id="STRUCTURES", prepared=utc_now())
    with refusing(NotExpressibleError):
        chunks = wanted.encode(header, artefacts, known, EncodeOptions(report=report))
        if target == _STREAM:
            sys.stdout.buffer.writelines(chunks)
        else:
            with replacing(target) as part, part.open("wb") as stream:
                stream.writelines(chunks)
    if report.findings:
        say(findings_as_text(report.findings))
    count = "1 artefact" if len(artefacts) == 1 else f"{len(artefacts)} artefacts"
    say(f"Wrote {target}: {count}, from {found.name} to {wanted.name}.")
    return True
