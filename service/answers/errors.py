"""Why there is no answer. Nothing here knows HTTP."""

from __future__ import annotations


class NoResultsError(Exception):
    """The query is right and nothing matches it."""


class UnknownResourceError(Exception):
    """The query names one artefact, and it is not there; says what is."""


class ResponseTooLargeError(Exception):
    """The answer would hold more observations than the service gives at once; says how many, and what to do."""


class PageBehindEndError(Exception):
    """The page that was asked for begins behind the last observation."""

    def __init__(self, total: int) -> None:
        super().__init__(f"the answer has {total} observations, and the range begins behind them")
        self.total = total
