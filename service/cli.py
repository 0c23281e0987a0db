"""The command `ilms`: its commands by what a person wants to do.

Exit status: 0 all well, 1 something was found that rejects, 2 the command cannot do what it was asked.
"""

from __future__ import annotations

import logging
import sys

import click

from service.commands.artefacts import artefacts
from service.commands.convert import convert
from service.commands.serve import serve
from service.commands.store import store_group
from service.commands.submit import load, validate
from service.commands.template import template

SECTIONS: tuple[tuple[str, tuple[click.Command, ...]], ...] = (
    ("Prepare a submission", (template, validate, convert)),
    ("Keep and serve", (load, serve)),
    ("Look after", (store_group, artefacts)),
)
"""Every command, in the order in which the help lists them."""


class _Sections(click.Group):
    """A group whose help lists its commands under headings."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the sections."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands of each section under its title."""
        longest = max(len(name) for name in self.commands)
        for title, commands in SECTIONS:
            with formatter.section(title):
                room = formatter.width - 6 - longest
                formatter.write_dl(
                    [
                        (f"{command.name:<{longest}}", command.get_short_help_str(room))
                        for command in commands
                    ]
                )


@click.group(
    cls=_Sections,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="ilms-exchange", prog_name="ilms")
@click.option("-v", "--verbose", is_flag=True, help="Log what is being done.")
def main(verbose: bool) -> None:
    """Exchange labour migration statistics of ASEAN as SDMX.

    \b
    A first tour:
      ilms template --country IDN --years 2023-2024 --table T15 -o idn.xlsx
      ilms validate idn.xlsx
      ilms convert idn.xlsx -o idn.csv
      ilms load idn.xlsx --store var/store
      ilms serve --store var/store
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
        force=True,
    )


for _, _commands in SECTIONS:
    for _command in _commands:
        main.add_command(_command)
