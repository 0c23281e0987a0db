"""`ilms serve`."""

from __future__ import annotations

from pathlib import Path

import click

from service.commands.opened import needing_server_packages
from service.commands.option import (
    config_option,
    folders_option,
    options,
    settings_of,
    store_option,
)
from service.commands.refusal import refusing, say


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--workers", type=int, help="Server processes.")
@options(store_option, config_option, folders_option)
def serve(
    host: str | None,
    port: int | None,
    workers: int | None,
    store: Path | None,
    config: Path | None,
    folders: tuple[Path, ...],
) -> None:
    """Serve SDMX REST and the pages until interrupted.

    \b
    Example:
      ilms serve --store var/store --port 8080
    """
    settings = settings_of(config, host=host, port=port, workers=workers, store_folder=store)
    with needing_server_packages():
        from service.server import ServerError
        from service.server import serve as run
    at = f"http://{settings.host}:{settings.port}"
    say(f"Open {at} in a browser, or try:\n  curl -g '{at}/sdmx/v2/structure/dataflow/ILMS'")
    with refusing(ServerError):
        run(settings, folders)
