"""The formats as a table for people and programs: what `ilms formats` prints and docs/formats.md holds."""

from __future__ import annotations

from typing import Any

from dsd.dataset import Action
from service.formats import DATA_FORMATS, STRUCTURE_FORMATS
from service.formats.contract import DataFormat, StructureFormat


def content_type(entry: DataFormat | StructureFormat) -> str:
    """Return the media type with its version, where it has one."""
    return f"{entry.media_type};version={entry.version}" if entry.version else entry.media_type


def data_formats() -> list[dict[str, Any]]:
    """Return what there is to say of each data format: names, directions, what it can express."""
    return [
        {
            "name": entry.name,
            "mediaType": content_type(entry),
            "alsoKnownAs": list(entry.aliases),
            "extension": entry.extension,
            "reads": entry.decode is not None,
            "writes": entry.encode is not None,
            "severalValues": entry.capabilities.multiple_values,
            "severalMeasures": entry.capabilities.several_measures,
            "severalDataSets": entry.capabilities.several_datasets,
            "anyDimensionAtObservation": entry.capabilities.cross_section,
            "actionPerRow": entry.capabilities.row_actions,
            "emptyTexts": entry.capabilities.empty_texts,
            "languages": entry.capabilities.languages,
            "annotations": entry.capabilities.annotations,
            "actions": [
                action.value
                for action in Action
                if action
                not in {*entry.capabilities.refused_actions, *entry.capabilities.came_back}
            ],
            "setAttributes": sorted(entry.capabilities.said),
        }
        for entry in DATA_FORMATS
    ]


def structure_formats() -> list[dict[str, Any]]:
    """Return what there is to say of each structure format."""
    return [
        {
            "name": entry.name,
            "mediaType": content_type(entry),
            "alsoKnownAs": list(entry.aliases),
            "extension": entry.extension,
            "reads": entry.decode is not None,
            "writes": entry.encode is not None,
        }
        for entry in STRUCTURE_FORMATS
    ]


_COLUMNS = (
    ("name", "name"),
    ("media type", "mediaType"),
    ("reads", "reads"),
    ("writes", "writes"),
    ("several values", "severalValues"),
    ("several measures", "severalMeasures"),
    ("several data sets", "severalDataSets"),
    ("any dimension at the observation", "anyDimensionAtObservation"),
    ("an action a row", "actionPerRow"),
    ("empty texts", "emptyTexts"),
    ("texts in languages", "languages"),
    ("annotations", "annotations"),
    ("validity", "setAttributes"),
)


def formats_table() -> str:
    """Return the data formats and what they can express as a Markdown table."""
    lines = [
        "| " + " | ".join(title for title, _ in _COLUMNS) + " |",
        "|" + "---|" * len(_COLUMNS),
    ]
    for row in data_formats():
        cells = [_cell(name, row[name]) for _, name in _COLUMNS]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(name: str, value: Any) -> str:
    if name in ("name", "mediaType"):
        return f"`{value}`"
    return "yes" if value else ""
