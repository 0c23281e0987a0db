"""Annotations of data: notes on a data set, a group, a series or an observation that are no attributes of the DSD.

SDMX 3.1 Section 2, "Data Set" (`AnnotableArtefact`); Section 3, `AnnotableType`. Those of an observation are a column of
the batch (`dsd.batch.ANNOTATIONS`), those of what stands above it are among the values of its key
(`AttributeValues.values[ANNOTATIONS]`), each as one text: the array of annotations as SDMX-JSON 2.1 has it, without blanks.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from codelists.base import Annotation

_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder(tuple[Annotation, ...])


def annotations_text(annotations: Sequence[Annotation]) -> str:
    """Return annotations as the text that a batch holds; equal ones give equal texts."""
    return _ENCODER.encode(tuple(annotations)).decode()


def annotations_of(text: str) -> tuple[Annotation, ...]:
    """Return the annotations of a text.

    Raises:
        msgspec.MsgspecError: the text is not one that `annotations_text` makes.
    """
    return _DECODER.decode(text)
