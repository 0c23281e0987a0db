"""`ilms annotate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.commands.option import (
    FILE,
    TARGET,
    options,
    provider_option,
    settings_of,
    structures_of,
    structures_option,
    waivers_option,
)
from service.commands.refusal import REJECTED, Refusal, refusing, say
from service.commands.submit import Job, submit_file
from service.commands.target import replacing

if TYPE_CHECKING:
    from converters.annotation.annotate import Annotation


@click.command()
@click.argument("source", type=FILE)
@click.option(
    "-o",
    "--output",
    "target",
    type=TARGET,
    help="Workbook to write; FILE.annotated.xlsx beside the file where not given.",
)
@click.option("--language", default="en", show_default=True, help="Words around the findings.")
@options(provider_option, waivers_option, structures_option)
def annotate(
    source: Path,
    target: Path | None,
    language: str,
    provider: str | None,
    waivers: Path | None,
    places: tuple[str, ...],
) -> None:
    """Mark what is wrong with a questionnaire in the workbook itself.

    Writes a copy in which the cells of findings are coloured and commented, with a sheet that lists all
    findings. Everything else in the workbook stays as it is: charts, pictures, drop-downs, macros. What an
    earlier run marked is renewed. Exit status as of validate.

    \b
    Example:
      ilms annotate idn.xlsx --provider IDN_MOM
    """
    from converters.annotation.book import AnnotationError
    from converters.annotation.wording import UnknownLanguageError
    from converters.workbook import WorkbookError
    from service.submission.annotate import annotate_submission
    from service.submission.convert import QUESTIONNAIRE, UnreadableSubmissionError
    from service.submission.report import outcome

    target = target or source.with_suffix(f".annotated{source.suffix}")
    _check_target(source, target)
    job = Job(source, provider, waivers)
    with refusing(UnreadableSubmissionError):
        result = submit_file(job, structures_of(places), None, settings_of())
    if result.kind != QUESTIONNAIRE:
        raise Refusal(
            f"{source.name} is no workbook ({result.kind}); ilms validate tells its lines"
        )
    with refusing(AnnotationError, WorkbookError, UnknownLanguageError):
        done = annotate_submission(_workbook(source), result, language)
    with replacing(target) as part:
        part.write_bytes(done.data)
    say(outcome(result))
    _tell(target, done)
    sys.exit(0 if result.is_accepted else REJECTED)


def _workbook(source: Path) -> bytes:
    """Return the bytes of a file that is a workbook, not an archive with one in it."""
    from service.submission.body import opened

    with opened(source) as body:
        if body.packed_as:
            packed = " in ".join(reversed(body.packed_as))
            raise Refusal(f"{source.name} is a packed workbook ({packed}); unpack it first")
        return body.stream.read()


def _check_target(source: Path, target: Path) -> None:
    if target.resolve() == source.resolve() or (target.exists() and target.samefile(source)):
        raise Refusal("the workbook itself is not overwritten; name another file with -o")
    if target.suffix.lower() != source.suffix.lower():
        raise Refusal(f"the copy is of the same kind: name a file that ends in {source.suffix}")


def _tell(target: Path, done: Annotation) -> None:
    cells = "1 cell" if done.cells == 1 else f"{done.cells:,} cells"
    elsewhere = f" ({done.elsewhere:,} of them at no cell)" if done.elsewhere else ""
    say(f"Wrote {target}: {cells} marked; all findings are on its sheet {done.sheet}{elsewhere}.")
    if done.unknown_before:
        places = ", ".join(done.unknown_before)
        say(
            f"Without a mark now, and without the fill from before it, which is not known: {places}."
        )
