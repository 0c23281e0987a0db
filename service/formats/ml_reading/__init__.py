"""SDMX-ML data of every version, read as a stream: exactly by the parser, in bulk where that is certain."""

from service.formats.ml_reading.reader import decode_ml
from service.formats.ml_reading.source import Ways

__all__ = ["Ways", "decode_ml"]
