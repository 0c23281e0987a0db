"""`ilms convert`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.commands.option import FILE, TARGET, structures_of, structures_option
from service.commands.refusal import REJECTED, Refusal, refusing, say
from service.commands.target import replacing

if TYPE_CHECKING:
    from dsd.dataset import Dataset
    from dsd.structures import Structures
    from service.formats.contract import DataFormat
    from service.submission.convert import Reading

_WORKBOOK = ".xlsx"


@click.command()
@click.argument("source", type=FILE)
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    type=TARGET,
    help="File to write: .csv, .json, .xml, or .xlsx for a questionnaire.",
)
@click.option(
    "--format", "format_name", help="Format, where the file ending does not say: csv, json, ml21."
)
@click.option(
    "--labels", type=click.Choice(["id", "name", "both"]), default="id", help="Names in SDMX-CSV."
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    help="Language of a questionnaire; two stand side by side.",
)
@click.option(
    "--partial", is_flag=True, help="Write what could be read even where cells were in error."
)
@structures_option
def convert(
    source: Path,
    target: Path,
    format_name: str | None,
    labels: str,
    languages: tuple[str, ...],
    partial: bool,
    folders: tuple[Path, ...],
) -> None:
    """Convert between a questionnaire and the SDMX formats, either way.

    A file with several tables becomes one SDMX file a table, the table's id before the ending; a file of
    several countries becomes one questionnaire a country, its code before the ending. Nothing is written
    where a cell could not be read, unless --partial is given.

    \b
    Example:
      ilms convert idn.xlsx -o idn.csv
      ilms convert idn.csv -o filled.xlsx
    """
    from service.formats import UnknownFormatError, find_data_format
    from service.submission.convert import UnreadableSubmissionError, read_submission
    from service.submission.report import findings_as_text

    structures = structures_of(folders)
    is_workbook = target.suffix.lower() == _WORKBOOK and format_name is None
    with refusing(UnknownFormatError):
        data_format = None if is_workbook else find_data_format(format_name or target.suffix)
    with refusing(UnreadableSubmissionError), read_submission(source, structures) as reading:
        datasets = list(reading.datasets)
        report = reading.report
    if report.findings:
        say(findings_as_text(report.findings))
    if not report.is_accepted and not partial:
        say("Nothing was written: mend the cells above, or ask for the rest with --partial.")
        sys.exit(REJECTED)
    if not datasets:
        say(f"{source} holds no observations; nothing was written.")
        sys.exit(REJECTED)
    if data_format is None:
        _write_workbooks(structures, reading, datasets, target, languages or ("en",))
    else:
        for dataset in datasets:
            _write_dataset(dataset, _target_of(dataset, target, len(datasets)), data_format, labels)
    sys.exit(0 if report.is_accepted else REJECTED)


def _write_workbooks(
    structures: Structures,
    reading: Reading,
    datasets: list[Dataset],
    target: Path,
    languages: tuple[str, ...],
) -> None:
    from converters.profile import UnknownLanguageError
    from converters.sheet_writer import UnwritableValueError
    from converters.table import UnknownTableError
    from converters.write_back import write_back

    with refusing(UnwritableValueError, UnknownTableError, UnknownLanguageError):
        workbooks = list(
            write_back(structures, datasets, reading.tables, reading.sources, languages=languages)
        )
    for country, body in workbooks:
        own = target if len(workbooks) == 1 else target.with_suffix(f".{country}{target.suffix}")
        with replacing(own) as part:
            part.write_bytes(body)
        say(f"Wrote {own}: the questionnaire of {country}.")


def _target_of(dataset: Dataset, target: Path, count: int) -> Path:
    return (
        target if count == 1 else target.with_suffix(f".{dataset.dsd.structure.id}{target.suffix}")
    )


def _write_dataset(dataset: Dataset, target: Path, data_format: DataFormat, labels: str) -> None:
    from dsd.dataset import PreparedDataset
    from service.config import utc_now
    from service.formats.contract import EncodeOptions, Header, NotExpressibleError
    from service.formats.preamble import in_key_order, make_preamble

    if data_format.encode is None:
        raise Refusal(f"{data_format.name} can be read only; write csv, json or ml21")
    batches = list(dataset.batches)
    preamble = make_preamble(dataset.dsd, batches, dataset.attributes)
    header = Header(id=dataset.dsd.structure.id, prepared=utc_now())
    options = EncodeOptions(labels=labels)
    with replacing(target) as part, part.open("wb") as stream, refusing(NotExpressibleError):
        ordered = in_key_order(dataset.dsd, batches, preamble)
        prepared = PreparedDataset(dataset.dsd, preamble, ordered, dataset.action, dataset.said)
        for chunk in data_format.encode(header, [prepared], options):
            stream.write(chunk)
    say(f"Wrote {target}: {preamble.observations:,} observations of {dataset.dsd.urn.short}.")
