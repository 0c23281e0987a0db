"""How scalars of the model become XML text and back."""

from __future__ import annotations

from typing import Any

from service.formats.class_names import urn_from_21, urn_in_21
from service.formats.structure_table.vocabulary import Conversion


def _boolean(text: str) -> bool:
    found = {"true": True, "1": True, "false": False, "0": False}.get(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no boolean; write true or false")
    return found


def _boolean_text(value: bool) -> str:
    return "true" if value else "false"


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _number_text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)


def _occurrence(text: str) -> int | str:
    return text.strip() if text.strip() == "unbounded" else int(text)


def _cascade(text: str) -> bool | str:
    return text.strip() if text.strip() == "excluderoot" else _boolean(text)


def _cascade_text(value: bool | str) -> str:
    return value if isinstance(value, str) else _boolean_text(value)


def _cascade_text_21(value: bool | str) -> str:
    if isinstance(value, str):
        raise ValueError(f"SDMX 2.1 has no {value!r} here")
    return _boolean_text(value)


def _time(text: str) -> str:
    return text.strip()


def _date_time(text: str) -> str:
    """Return a date as SDMX-JSON has it: the instant at which it begins, in UTC."""
    text = text.strip()
    return f"{text[:10]}T00:00:00{text[10:] or 'Z'}" if "T" not in text else text


def _date(value: str) -> str:
    """Return the date of an instant; raise ValueError where it is not the beginning of a day."""
    day, _, clock = value.partition("T")
    if clock not in ("", "00:00:00", "00:00:00Z"):
        raise ValueError(f"{value!r} is no date, and SDMX-ML has dates only here")
    return day


def _words(words: dict[str, str]) -> Conversion:
    """Return the conversion between words of the model and those of a form."""
    back = {word: key for key, word in words.items()}

    def read(text: str) -> str:
        if text.strip() not in back:
            raise ValueError(f"{text!r} is none of {', '.join(back)}")
        return back[text.strip()]

    return Conversion(read, lambda value: words[value])


def _one_more(value: Any) -> str:
    return str(value + 1)


TEXT = Conversion(str, str)
TOKEN = Conversion(str.strip, str)
TIME = Conversion(_time, str)
"""A period or an instant, which SDMX-JSON restricts more than SDMX-ML does: `structure_times`."""
BOOLEAN = Conversion(_boolean, _boolean_text)
INTEGER = Conversion(int, str)
NUMBER = Conversion(_number, _number_text)
OCCURRENCE = Conversion(_occurrence, str)
CASCADE = Conversion(_cascade, _cascade_text)
CASCADE_21 = Conversion(_boolean, _cascade_text_21)
DATE = Conversion(_date_time, _date)
USAGE = _words({"mandatory": "mandatory", "optional": "optional"})
USAGE_21 = _words({"mandatory": "Mandatory", "optional": "Conditional"})
POSITION_21 = Conversion(lambda text: int(text) - 1, _one_more)


def _data_type_21(value: str) -> str:
    if value in _NEWER_DATA_TYPES:
        raise ValueError(f"SDMX 2.1 has no data type {value}")
    return value


_NEWER_DATA_TYPES = frozenset(("GeospatialInformation",))
DATA_TYPE_21 = Conversion(str.strip, _data_type_21)
URN_21 = Conversion(urn_from_21, urn_in_21)
