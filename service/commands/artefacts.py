"""`ilms artefacts`: look after the artefact files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from service.commands.option import structures_of
from service.commands.refusal import REJECTED


@click.group()
def artefacts() -> None:
    """Look after the artefact files of structures and lists.

    \b
    Example:
      ilms artefacts check
    """


@artefacts.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
def check(folders: tuple[Path, ...]) -> None:
    """Verify artefact files: paths, schema, references, hierarchies, and that final versions are unchanged.

    Looks at the built-in files, or at the folders named.

    \b
    Example:
      ilms artefacts check
    """
    from dsd.check import check_artefacts
    from service.submission.report import findings_as_text

    report = check_artefacts(folders or None)
    if report.findings:
        click.echo(findings_as_text(report.findings), nl=False)
    for rule in report.not_run:
        click.echo(f"not run: {rule} (its packages are not installed)")
    if report.is_accepted:
        click.echo(f"{len(structures_of([str(folder) for folder in folders]))} artefacts: all well")
    sys.exit(0 if report.is_accepted else REJECTED)


@artefacts.command("hash")
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
def record_hashes(folders: tuple[Path, ...]) -> None:
    """Record the hash of each new final version, which may not change from then on.

    \b
    Example:
      ilms artefacts hash
    """
    from dsd.final_version import write_hashes

    for path in write_hashes(folders or None):
        click.echo(f"Wrote {path}")
