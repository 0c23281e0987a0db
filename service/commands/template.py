"""`ilms template`."""

from __future__ import annotations

from pathlib import Path

import click

from service.commands.option import TARGET, structures_of, structures_option
from service.commands.refusal import refusing, say
from service.commands.target import replacing


def _years(_context: click.Context, _option: click.Parameter, text: str) -> tuple[str, ...]:
    """Read `2015-2024`, `2020,2022` or both mixed."""
    years: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise click.BadParameter(f"{part!r} is no year; write 2024, 2015-2024 or 2020,2022")
        years += range(int(first), int(last or first) + 1)
    return tuple(str(year) for year in years)


def _versions(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> dict[str, str]:
    """Read `ECO=ECO_ISIC4`: the classification version to print of a dimension."""
    found: dict[str, str] = {}
    for text in texts:
        dimension, equals, version = text.partition("=")
        if not (dimension and equals and version):
            raise click.BadParameter(f"{text!r} names no version; write ECO=ECO_ISIC4")
        found[dimension] = version
    return found


@click.command()
@click.option("--country", required=True, help="ISO 3166 alpha-3 code of the reporting country.")
@click.option(
    "--years", required=True, callback=_years, help="Years asked for: 2015-2024 or 2020,2022."
)
@click.option(
    "--table", "tables", multiple=True, help="Table, as T15; all tables where none is named."
)
@click.option(
    "--language", "languages", multiple=True, help="Language of labels; two stand side by side."
)
@click.option(
    "--classification",
    "versions",
    multiple=True,
    callback=_versions,
    help="Version to print, as ECO=ECO_ISIC4; may be repeated.",
)
@click.option("-o", "--output", "target", required=True, type=TARGET, help="Workbook to write.")
@structures_option
def template(
    country: str,
    years: tuple[str, ...],
    tables: tuple[str, ...],
    languages: tuple[str, ...],
    versions: dict[str, str],
    target: Path,
    places: tuple[str, ...],
) -> None:
    """Write a blank questionnaire workbook for a country.

    \b
    Example:
      ilms template --country KHM --years 2015-2024 --table T15 -o khm.xlsx
    """
    from converters.layout import UnknownVersionError
    from converters.profile import UnknownLanguageError
    from converters.table import UnknownTableError
    from converters.template import template_bytes

    with refusing(UnknownTableError, UnknownVersionError, UnknownLanguageError):
        body = template_bytes(
            structures_of(places),
            country,
            years,
            tables or None,
            languages=languages or ("en",),
            versions=versions,
        )
    with replacing(target) as part:
        part.write_bytes(body)
    say(f"Wrote {target}.")
