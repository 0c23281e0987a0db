"""Which codes of a component a questionnaire offers, in which order, and to which version they belong."""

from __future__ import annotations

from codelists.item_scheme import Code
from dsd.resolved import ResolvedComponent

_UNORDERED = float("inf")


def version_of(component: ResolvedComponent, code: Code) -> str | None:
    """Return the classification version that a code belongs to: the nearest node above it that is not reportable."""
    parent = component.codes.get(code.parent or "")
    while parent is not None:
        if parent.annotation_value("NOT_REPORTABLE") == "Y":
            return parent.id
        parent = component.codes.get(parent.parent or "")
    return None


def reportable_codes(component: ResolvedComponent) -> tuple[Code, ...]:
    """Return the codes that may be reported, in the order that their annotations give them."""
    return in_order(component.allowed_codes)


def in_order(codes: tuple[Code, ...]) -> tuple[Code, ...]:
    """Return those of some codes that can be reported, in the order that their annotations give them."""
    codes = tuple(code for code in codes if code.annotation_value("NOT_REPORTABLE") != "Y")
    return tuple(sorted(codes, key=code_order))


def code_order(code: Code) -> float:
    """Return the place of a code by its ORDER annotation."""
    # Codes without ORDER stay behind, in the order of the list: sorting is stable.
    value = code.annotation_value("ORDER") or ""
    return float(value) if value.isdecimal() else _UNORDERED
