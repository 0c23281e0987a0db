"""Which codes add up to which total, as the code lists say it in PARTITION annotations.

Neither the parent relation nor the letter X says that codes add up (parents overlap; an X may mean no
schooling, or other countries), so nothing but the annotation is used.
"""

from __future__ import annotations

from dataclasses import dataclass

from dsd.resolved import Dsd, ResolvedComponent

PARTITION = "PARTITION"
OPTIONAL = "OPTIONAL"
IS_TOTAL = "IS_TOTAL"
IS_UNKNOWN = "IS_UNKNOWN"


@dataclass(frozen=True)
class Partition:
    """Codes of one component that make up a total.

    It is complete where all required parts are reported; an optional part that is absent counts as zero.
    """

    component: str
    total: str
    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """All parts, the required ones first."""
        return self.required + self.optional


def partitions_of(component: ResolvedComponent) -> tuple[Partition, ...]:
    """Return the partitions that the annotations of a component's codes make, in the order of the list."""
    found: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for code in component.codes.values():
        for annotation in code.annotations:
            if annotation.id == PARTITION and annotation.value:
                pair = found.setdefault((annotation.value, annotation.title or ""), ([], []))
                pair[annotation.type == OPTIONAL].append(code.id)
    return tuple(
        Partition(component.id, total, name, tuple(required), tuple(optional))
        for (total, name), (required, optional) in found.items()
    )


def breakdowns(dsd: Dsd) -> dict[str, tuple[Partition, ...]]:
    """Return the partitions by dimension, of the dimensions that break a figure down."""
    by_id = {component.id: partitions_of(component) for component in dsd.dimensions}
    return {id: partitions for id, partitions in by_id.items() if partitions}


def is_marked(component: ResolvedComponent, code: str, mark: str) -> bool:
    """Tell whether a code carries an annotation with the value Y."""
    found = component.codes.get(code)
    return found is not None and found.annotation_value(mark) == "Y"
