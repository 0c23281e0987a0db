"""Options that several commands share, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.commands.refusal import refusing

if TYPE_CHECKING:
    from dsd.structures import Structures
    from service.config import Settings


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
TARGET = click.Path(dir_okay=False, path_type=Path)


def structures_of(places: Sequence[str] = ()) -> Structures:
    """Return the built-in artefacts, with those of folders, files and URLs beside them."""
    from dsd.sdmx_json import StructureMessageError
    from dsd.structures import load_structures

    with refusing(StructureMessageError):
        structures = load_structures()
    for place in places:
        from service.submission.artefacts import UnreadableStructuresError, structures_from

        with refusing(StructureMessageError, UnreadableStructuresError):
            structures = structures.joined(structures_from(place))
    return structures


def settings_of(config: Path | None = None, **overrides: Any) -> Settings:
    """Return the settings of the file and the environment; what the command line names wins."""
    from service.config import SettingError, load_settings

    with refusing(SettingError):
        return load_settings(config, **overrides)


def options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a decorator that adds several options, in the order given."""

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


structures_option = click.option(
    "--structures",
    "places",
    multiple=True,
    metavar="PLACE",
    help="Structures beside the built-in ones: a folder of artefact files, an SDMX structure message, or its URL; may be repeated.",
)
folders_option = click.option(
    "--structures",
    "folders",
    multiple=True,
    type=FOLDER,
    help="A folder of artefact files beside the built-in ones; may be repeated.",
)
config_option = click.option("--config", type=FILE, help="TOML file of settings.")
store_option = click.option("--store", type=FOLDER, help="Folder of the store.")
provider_option = click.option(
    "--provider", help="Id of the data provider, as IDN_MOM; checks what its agreements allow."
)
waivers_option = click.option(
    "--waivers",
    type=click.Path(exists=True, path_type=Path),
    help="Errors that are allowed, each with its reason: a TOML file, or a folder that has NAME.waivers.toml for NAME.xlsx.",
)
all_or_nothing_option = click.option(
    "--all-or-nothing", is_flag=True, help="Reject a whole file where one table is rejected."
)
report_option = click.option(
    "--report",
    type=click.Choice(["text", "summary", "json", "html"]),
    help="What the report looks like; otherwise the ending of --output says it, and it is text.",
)
json_option = click.option("--json", "report", flag_value="json", help="The same as --report json.")
output_option = click.option(
    "-o",
    "--output",
    "target",
    type=TARGET,
    help="File for the report, written whole or not at all.",
)
