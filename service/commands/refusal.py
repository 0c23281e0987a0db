"""How a command stops: exit statuses, and exceptions of the rooms as one line for a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

REJECTED = 1
"""Exit status where something was found that rejects."""
UNABLE = 2
"""Exit status where the command cannot do what it was asked."""


class Refusal(click.ClickException):
    """The command cannot do what it was asked; nothing was written."""

    exit_code = UNABLE


@contextmanager
def refusing(*errors: type[Exception]) -> Iterator[None]:
    """Turn exceptions of the rooms into one line for a person."""
    try:
        yield
    except errors as error:
        raise Refusal(str(error.args[0] if error.args else error)) from error


def say(text: str) -> None:
    """Tell the person at the terminal; what programs read is on standard output."""
    click.echo(text, err=True)
