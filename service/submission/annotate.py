"""What a submission was found to have, written into its workbook."""

from __future__ import annotations

from converters.annotation.annotate import Annotation, annotate_workbook
from converters.annotation.wording import Advice
from converters.conversion import SEVERITY_OF_RULE
from service.submission.report import outcome, rule_infos
from service.submission.result import SubmissionResult


def annotate_submission(
    source: bytes, result: SubmissionResult, language: str = "en"
) -> Annotation:
    """Return the workbook of a submission with its findings at their cells.

    Args:
        source: the workbook.
        result: what came of it.
        language: of the words around the findings.

    Raises:
        WorkbookError: it is no workbook that can be read.
        AnnotationError: a mark would do it harm.
        UnknownLanguageError: there are no words in the language.
    """
    # Findings of the workbook reader say themselves how to mend their cell.
    advice = {
        id: Advice(info.title, info.mend)
        for id, info in rule_infos().items()
        if id not in SEVERITY_OF_RULE
    }
    return annotate_workbook(
        source,
        result.all_findings,
        advice=advice,
        heading=outcome(result),
        language=language,
        at=result.received,
    )
