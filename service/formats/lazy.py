"""Batches of a data set that a decoder makes only when they are asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from dsd.batch import Batch


class LazyBatches:
    """A one-shot iterator over batches that a decoder makes as it reads the message.

    A caller who asks for the next data set first does not lose what it has not taken: the decoder calls
    `keep_rest` before it reads on, which makes and holds the rest.
    """

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = iter(batches)
        self._kept: deque[Batch] = deque()

    def __iter__(self) -> Iterator[Batch]:
        """Return the iterator itself: what was taken does not come again."""
        return self

    def __next__(self) -> Batch:
        """Return the next batch."""
        return self._kept.popleft() if self._kept else next(self._batches)

    def keep_rest(self) -> None:
        """Make all batches that were not taken and hold them."""
        self._kept.extend(self._batches)
