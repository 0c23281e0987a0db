"""The command `ilms`: its commands by what a person wants to do.

Exit status: 0 all well, 1 something was found that rejects, 2 the command cannot do what it was asked.
"""

from __future__ import annotations

import logging
import sys

import click

from service.commands.annotate import annotate
from service.commands.artefacts import artefacts
from service.commands.convert import convert
from service.commands.export import export
from service.commands.formats import formats
from service.commands.registry import registry
from service.commands.serve import serve
from service.commands.store import store_group
from service.commands.submit import load, validate
from service.commands.template import template
from service.commands.users import users

SECTIONS: tuple[tuple[str, tuple[click.Command, ...]], ...] = (
    ("Prepare a submission", (template, validate, annotate, convert)),
    ("Keep and serve", (load, serve, export)),
    ("Look after", (store_group, registry, users, artefacts, formats)),
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
                for command in commands:
                    said = command.get_short_help_str(formatter.width)
                    formatter.write_dl([(f"{command.name:<{longest}}", said)])
                    formatter.write(f"{'':<{longest + 4}}{_example(command)}\n")


def _example(command: click.Command) -> str:
    """Return the first example of a command's help."""
    _, _, examples = (command.help or "").partition("Example:\n")
    return examples.strip().partition("\n")[0].strip()


@click.group(
    cls=_Sections,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="ilms-exchange", prog_name="ilms")
@click.option("-v", "--verbose", is_flag=True, help="Log what is being done.")
def main(verbose: bool) -> None:
    """Exchange labour migration statistics of ASEAN as SDMX.

    Each command says more of itself: ilms COMMAND --help. The exit status is 0 where all is well, 1 where something
    was found that rejects, 2 where the command cannot do what it was asked.
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
