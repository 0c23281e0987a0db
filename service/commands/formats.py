"""`ilms formats`."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def formats(as_json: bool) -> None:
    """List the formats, and what each can express.

    \b
    Example:
      ilms formats --json
    """
    from service.formats.catalogue import data_formats, structure_formats

    if as_json:
        everything = {"data": data_formats(), "structures": structure_formats()}
        click.echo(json.dumps(everything, indent=2))
        return
    for title, rows in (("Data", data_formats()), ("Structures", structure_formats())):
        click.echo(f"{title}:")
        for row in rows:
            ways = [word for word in ("reads", "writes") if row[word]]
            click.echo(f"  {row['name']:<24} {', '.join(ways):<14} {row['mediaType']}")
            if said := _said(row):
                click.echo(f"  {'':<24} {said}")


_WORDS = (
    ("severalValues", "several values"),
    ("severalMeasures", "several measures"),
    ("severalDataSets", "several data sets"),
    ("actionPerRow", "an action a row"),
    ("setAttributes", "validity"),
)


def _said(row: dict[str, object]) -> str:
    """Return what a data format can express, in words."""
    return ", ".join(words for name, words in _WORDS if row.get(name))
