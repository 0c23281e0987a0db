"""The report on submissions, as a command prints or writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.commands.progress import is_shown
from service.commands.refusal import Refusal, say
from service.commands.target import replacing

if TYPE_CHECKING:
    from dsd.structures import Structures
    from service.submission.report_document import UnreadableFile
    from service.submission.result import SubmissionResult

_OF_ENDING = {".json": "json", ".html": "html", ".htm": "html", ".txt": "text"}


class Report:
    """Takes receipts one by one. Texts for a person are printed as they come, documents at the end.

    Under a progress bar texts too wait for the end.
    """

    def __init__(
        self, structures: Structures, kind: str | None, target: Path | None, jobs: int
    ) -> None:
        self._structures = structures
        self._target = target
        self._kind = kind or self._kind_of_target()
        self._is_text = self._target is None and self._kind in ("text", "summary")
        self._streams = self._is_text and not is_shown(jobs)
        self._between = "\n" if self._kind == "text" else ""
        self._results: list[SubmissionResult] = []
        self._unreadable: list[UnreadableFile] = []

    def _kind_of_target(self) -> str:
        if self._target is None:
            return "text"
        try:
            return _OF_ENDING[self._target.suffix.lower()]
        except KeyError:
            raise Refusal(
                f"{self._target}: the ending says no kind of report; write .html, .json or .txt, or give --report"
            ) from None

    def add(self, result: SubmissionResult) -> None:
        """Take in a receipt."""
        if self._streams:
            between = self._between if self._results else ""
            click.echo(between + self._as_text(result), nl=False)
        self._results.append(result)

    def add_unreadable(self, source: Path, message: str) -> None:
        """Take in a file that could not be read at all."""
        from service.submission.report_document import UnreadableFile

        self._unreadable.append(UnreadableFile(source_name=source.name, message=message))
        click.echo(f"Error: {source}: {message}", err=True)

    @property
    def is_accepted(self) -> bool:
        """True where every table of every file was accepted."""
        return all(result.is_accepted for result in self._results)

    @property
    def has_unreadable(self) -> bool:
        """True where a file could not be read."""
        return bool(self._unreadable)

    def finish(self) -> None:
        """Print or write the document."""
        if self._streams:
            return
        text = self._document()
        if self._target is None:
            click.echo(text, nl=False)
            return
        with replacing(self._target) as part:
            part.write_text(text, encoding="utf-8", newline="")
        for result in self._results:
            say(self._summary(result).splitlines()[0])
        say(f"Wrote {self._target}.")

    def _document(self) -> str:
        from service.submission.report_document import document_as_json, report_document
        from service.submission.report_html import as_html

        if self._kind in ("text", "summary"):
            return self._between.join(self._as_text(result) for result in self._results)
        document = report_document(self._results, self._unreadable)
        if self._kind == "json":
            return document_as_json(document).decode("utf-8")
        return as_html(document, self._structures)

    def _as_text(self, result: SubmissionResult) -> str:
        from service.submission.report import as_text

        return as_text(result) if self._kind == "text" else self._summary(result)

    def _summary(self, result: SubmissionResult) -> str:
        from service.submission.report import as_summary

        return as_summary(result)
