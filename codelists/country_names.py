"""Country names in the languages of the region: what Babel (CLDR) says, and where ILO's usage decides.

The names in the artefact files are the truth that the product serves; this module says where they come
from, so that a test can tell when either side has moved. Names in English, French and Spanish are ILO's.
"""

from __future__ import annotations

import csv
from pathlib import Path

REGION_LANGUAGES = ("th", "vi", "id", "ms", "fil", "km", "lo", "my", "zh", "ta", "pt")
"""Languages in which countries are named beside English, French and Spanish (BCP 47)."""

_OVERRIDES = Path(__file__).with_name("country_names.csv")

# CLDR marks word breaks in Khmer and Lao with a zero-width space; it would defeat matching by name.
_INVISIBLE = str.maketrans("", "", "\u200b")


def overrides() -> dict[str, dict[str, str]]:
    """Return the reviewed names by ISO 3166-1 alpha-3 code and language.

    For these countries Babel never decides: a language without an entry stays without a name, so that
    a reader falls back to ILO's English one.
    """
    with _OVERRIDES.open(encoding="utf-8", newline="") as table:
        return {
            row["code"]: {tag: row[tag] for tag in REGION_LANGUAGES if row[tag]}
            for row in csv.DictReader(table)
        }


def region_names(iso3: str, iso2: str) -> dict[str, str]:
    """Return the names of a country in the languages of the region.

    CLDR's Filipino falls back to English for most countries; a language is left out where its name is
    only that fallback, because repeating English says nothing.

    Args:
        iso3: ISO 3166-1 alpha-3 code, by which overrides are kept.
        iso2: ISO 3166-1 alpha-2 code, by which CLDR knows the country.
    """
    reviewed = overrides().get(iso3)
    if reviewed is not None:
        return reviewed
    return {tag: name for tag in REGION_LANGUAGES if (name := _babel_name(tag, iso2)) is not None}


def _babel_name(language: str, iso2: str) -> str | None:
    # Babel is needed to review the names, never to serve them.
    from babel import Locale

    name = Locale.parse(language).territories.get(iso2)
    if name is None or (language == "fil" and name == Locale.parse("en").territories.get(iso2)):
        return None
    return str(name).translate(_INVISIBLE)
