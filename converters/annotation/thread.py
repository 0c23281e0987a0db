"""Threads of comments that several people write: our text is a reply in the thread of its cell.

[MS-XLSX] 2.6.203 (CT_Person) and 2.6.205 (CT_ThreadedComment). A program that knows threads shows them
instead of the comment of the same cell, which holds their text for older programs.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from converters.annotation.mark import blocks
from converters.annotation.note import AUTHOR
from converters.annotation.package import Element, append_entry
from converters.annotation.text import escaped

_NAMESPACE = uuid.UUID("5f2b7a52-0c3a-4b0e-9d1c-7f0a5a6f9c31")
PERSON = "{" + str(uuid.uuid5(_NAMESPACE, AUTHOR)).upper() + "}"
_TIME = "%Y-%m-%dT%H:%M:%S.%f"


class Threads:
    """The threads of a sheet while replies are put in and taken out."""

    def __init__(self, root: Element) -> None:
        self._root = root

    @property
    def cells(self) -> set[str]:
        """The cells that have a thread."""
        return {entry.get("ref", "") for entry in self._entries() if not entry.get("parentId")}

    def _entries(self) -> list[Element]:
        return list(self._root.iterfind("{*}threadedComment"))

    def strip(self) -> bool:
        """Take all replies of ours out; return whether there was any."""
        ours = [entry for entry in self._entries() if any(blocks(_text(entry)))]
        for entry in ours:
            self._root.remove(entry)
        return bool(ours)

    def reply(self, cell: str, text: str, at: datetime) -> None:
        """Add a reply to the thread of a cell, as its last."""
        first = next(
            e for e in self._entries() if e.get("ref") == cell and not e.get("parentId")
        )  # fmt: skip
        parent = first.get("id", "")
        times = [
            time
            for entry in self._entries()
            if parent in (entry.get("id"), entry.get("parentId"))
            and (time := _parse_time(entry.get("dT", "")))
        ]
        when = max((at.astimezone(UTC).replace(tzinfo=None), *(t + timedelta(milliseconds=10) for t in times)))  # fmt: skip
        entry = append_entry(
            self._root,
            "threadedComment",
            ref=cell,
            dT=when.strftime(_TIME)[:-4],
            personId=PERSON,
            id="{" + str(uuid.uuid5(_NAMESPACE, parent + cell)).upper() + "}",
            parentId=parent,
        )
        append_entry(entry, "text").text = escaped(text)


def add_person(root: Element) -> None:
    """Enter the author of our replies into the list of persons."""
    if not any(entry.get("id") == PERSON for entry in root.iterfind("{*}person")):
        append_entry(
            root, "person", displayName=AUTHOR, id=PERSON, userId=AUTHOR, providerId="None"
        )


def _text(entry: Element) -> str:
    return "".join(node.text or "" for node in entry.iterfind("{*}text"))


def _parse_time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
