"""`ilms convert`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.commands.option import options, settings_of, structures_of, structures_option
from service.commands.progress import Progress, bar
from service.commands.refusal import REJECTED, Refusal, refusing, say
from service.commands.structure_conversion import convert_structures
from service.commands.target import replacing

if TYPE_CHECKING:
    from dsd.dataset import Dataset, PreparedDataset
    from dsd.structures import Structures
    from service.formats.contract import DataFormat, EncodeOptions
    from service.formats.fitting import LeftOut
    from service.submission.convert import Reading

_WORKBOOK = ".xlsx"
_STREAM = Path("-")
_STRICT, _LENIENT = "strict", "lenient"


@click.command()
@click.argument(
    "source", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="File to write, - for standard output. Its ending names the format; .xlsx is a questionnaire.",
)
@click.option(
    "--to",
    "--format",
    "format_name",
    metavar="NAME",
    help="Format, where the ending does not say: see ilms formats. With xlsx, a workbook of data.",
)
@click.option(
    "--structure",
    "structure_name",
    metavar="NAME",
    help="Dataflow, agreement or data structure of data that do not name it.",
)
@click.option(
    "--labels", type=click.Choice(["id", "name", "both"]), default="id", help="Names in SDMX-CSV."
)
@click.option(
    "--dimension-at-observation",
    "dimension",
    metavar="ID",
    default="TIME_PERIOD",
    help="What the observations of a series differ in; AllDimensions for observations alone.",
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    help="Language of names; in a questionnaire two stand side by side.",
)
@click.option(
    "--lenient",
    "--partial",
    "mode",
    flag_value=_LENIENT,
    help="Write what could be read even where something was in error.",
)
@click.option(
    "--strict", "mode", flag_value=_STRICT, help="Write nothing where there is a warning, too."
)
@options(structures_option)
def convert(
    source: Path,
    target: Path,
    format_name: str | None,
    structure_name: str | None,
    labels: str,
    dimension: str,
    languages: tuple[str, ...],
    mode: str | None,
    places: tuple[str, ...],
) -> None:
    """Convert between a questionnaire and the data formats, any to any.

    What SOURCE is (- for standard input), its content says. Tables that a format cannot hold in one message become one
    file each, the table's id before the ending; data of several countries become one questionnaire a country. Nothing is
    written where something could not be read, unless --lenient is given. A structure message becomes one in
    another structure format; what that cannot express is reported.

    \b
    Example:
      ilms convert idn.xlsx -o idn.csv
      ilms convert idn.csv -o filled.xlsx
      ilms convert idn.xml -o idn.parquet
      ilms convert structures.xml -o structures.json
      ilms convert - -o - --to json --structures https://example.org/dataflow < idn.xml
    """
    from service.formats import UnknownFormatError, find_data_format
    from service.formats.contract import DecodeOptions, EncodeOptions
    from service.submission.convert import UnreadableSubmissionError, read_submission
    from service.submission.rewrite import UnknownStructureError, find_structure, gather

    structures = structures_of(places)
    is_questionnaire = target.suffix.lower() == _WORKBOOK and format_name is None
    if target == _STREAM and format_name is None:
        raise Refusal("say with --to in which format standard output is to be written")
    folder = settings_of().temporary_folder
    with ExitStack() as stack:
        body = stack.enter_context(_received(source))
        if convert_structures(body, target, format_name, structures):
            return
        with refusing(UnknownFormatError, UnknownStructureError):
            data_format = (
                None if is_questionnaire else find_data_format(format_name or target.suffix)
            )
            hint = find_structure(structures, structure_name) if structure_name else None
        stack.enter_context(refusing(UnreadableSubmissionError))
        reading = stack.enter_context(
            read_submission(body, structures, options=DecodeOptions(hint), temporary_folder=folder)
        )
        with bar("Reading") as progress:
            datasets = gather(reading.datasets, stack, folder, lambda rows: progress(rows, None))
        is_clean = _report(reading, mode)
        if not any(True for _ in datasets):
            say(f"{source} holds no observations; nothing was written.")
            sys.exit(REJECTED)
        if data_format is None:
            chosen = languages or ("en",)
            _write_questionnaires(structures, reading, datasets, target, chosen, mode)
        else:
            written = EncodeOptions(dimension, languages, labels)
            _write_messages(datasets, target, data_format, written, mode)
    sys.exit(0 if is_clean else REJECTED)


@contextmanager
def _received(source: Path) -> Iterator[Path]:
    """Give the file to read; standard input is kept in one first."""
    if source != _STREAM:
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="ilms-") as folder:
        kept = Path(folder, "standard-input")
        with kept.open("wb") as stream:
            shutil.copyfileobj(sys.stdin.buffer, stream)
        yield kept


def _report(reading: Reading, mode: str | None) -> bool:
    """Say what was found; end here where that forbids to write. Return whether nothing was in error."""
    from dsd.finding import Severity
    from service.submission.report import findings_as_text

    report = reading.report
    if report.findings:
        say(findings_as_text(report.findings))
    doubtful = any(finding.severity is not Severity.INFO for finding in report.findings)
    if mode == _STRICT and doubtful:
        say("Nothing was written: --strict takes no warning.")
        sys.exit(REJECTED)
    if not report.is_accepted and mode != _LENIENT:
        say("Nothing was written: mend what is in error, or ask for the rest with --lenient.")
        sys.exit(REJECTED)
    return report.is_accepted


def _write_questionnaires(
    structures: Structures,
    reading: Reading,
    datasets: Sequence[Dataset],
    target: Path,
    languages: tuple[str, ...],
    mode: str | None,
) -> None:
    from converters.profile import UnknownLanguageError
    from converters.sheet_writer import UnwritableValueError
    from converters.table import UnknownTableError
    from converters.write_back import write_back
    from service.formats.fitting import LeftOut, fitted_to_questionnaire
    from service.submission.report import findings_as_text

    left_out = LeftOut()
    fitting = [fitted_to_questionnaire(dataset, languages, left_out) for dataset in datasets]
    with refusing(UnwritableValueError, UnknownTableError, UnknownLanguageError):
        workbooks = list(
            write_back(structures, fitting, reading.tables, reading.sources, languages=languages)
        )
    if found := left_out.findings("a questionnaire"):
        say(findings_as_text(found))
        if mode == _STRICT:
            raise Refusal("nothing was written: --strict takes no warning")
    for country, body in workbooks:
        own = target if len(workbooks) == 1 else target.with_suffix(f".{country}{target.suffix}")
        with replacing(own) as part:
            part.write_bytes(body)
        say(f"Wrote {own}: the questionnaire of {country}.")


def _write_messages(
    datasets: Sequence[Dataset],
    target: Path,
    data_format: DataFormat,
    written: EncodeOptions,
    mode: str | None,
) -> None:
    from service.formats.fitting import LeftOut, fitted
    from service.formats.grouping import UnorderedRowsError
    from service.submission.report import findings_as_text
    from service.submission.rewrite import prepare, share_out

    if data_format.encode is None:
        raise Refusal(
            f"{data_format.name} can be read only; ilms formats lists those that are written"
        )
    with refusing(UnorderedRowsError):
        messages = share_out([prepare(dataset) for dataset in datasets], data_format)
    if target == _STREAM and len(messages) > 1:
        raise Refusal(
            f"{data_format.name} takes one data set a message, and there are {len(messages)}: "
            "write them to files"
        )
    names: set[Path] = set()
    left_out = LeftOut()
    with bar("Writing") as progress:
        for parts in messages:
            own = target if len(messages) == 1 else _own_name(target, parts, names)
            capabilities, languages = data_format.capabilities, written.languages
            fitting = [fitted(part, capabilities, languages, left_out) for part in parts]
            _write_message(
                own, fitting, data_format, written, progress, left_out if mode == _STRICT else None
            )
    if found := left_out.findings(data_format.name):
        say(findings_as_text(found))


def _own_name(target: Path, parts: Sequence[PreparedDataset], taken: set[Path]) -> Path:
    """Return the name of one of several files: the table's id before the ending, numbered where it comes again."""
    id = parts[0].dsd.structure.id
    found, number = target.with_suffix(f".{id}{target.suffix}"), 1
    while found in taken:
        number += 1
        found = target.with_suffix(f".{id}.{number}{target.suffix}")
    taken.add(found)
    return found


def _write_message(
    target: Path,
    parts: Sequence[PreparedDataset],
    data_format: DataFormat,
    written: EncodeOptions,
    progress: Progress,
    forbidden: LeftOut | None,
) -> None:
    """Write a message; where something is left out that must not be, nothing."""
    from service.config import utc_now
    from service.formats.contract import Header, NotExpressibleError
    from service.formats.grouping import UnorderedRowsError

    # Asked for by the caller, who has refused what cannot be written.
    encode = data_format.encode
    assert encode is not None  # noqa: S101
    header = Header(id=parts[0].dsd.structure.id, prepared=utc_now())
    with (
        refusing(NotExpressibleError, UnorderedRowsError),
        _whole(target) as part,
        part.open("wb") as stream,
    ):
        for chunk in encode(header, list(parts), written):
            stream.write(chunk)
            progress(stream.tell(), None, "bytes")
        if forbidden is not None and (found := forbidden.findings(data_format.name)):
            raise NotExpressibleError(
                f"{found[0].message} Nothing was written: --strict takes no warning"
            )
    rows = sum(part.preamble.observations for part in parts)
    flows = ", ".join(dict.fromkeys(part.dsd.urn.short for part in parts))
    if target != _STREAM:
        say(f"Wrote {target}: {rows:,} observations of {flows}.")


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """Give a file to write that becomes the target when all went well."""
    if target != _STREAM:
        with replacing(target) as part:
            yield part
        return
    with tempfile.TemporaryDirectory(prefix="ilms-") as folder:
        part = Path(folder, "standard-output")
        yield part
        with part.open("rb") as stream:
            shutil.copyfileobj(stream, sys.stdout.buffer)
