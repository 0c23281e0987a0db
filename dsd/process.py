"""Processes. SDMX 3.1 Section 2, 11 "Process"."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from codelists.base import AnnotablePart, Identifiable, Maintainable, Nameable
from codelists.text import LocalisedText, best_match


class InputOutput(AnnotablePart, frozen=True, kw_only=True):
    """What a step takes or makes."""

    local_id: str | None = msgspec.field(default=None, name="localID")
    object_reference: str


class Computation(AnnotablePart, frozen=True, kw_only=True):
    """What a step does, and with which software."""

    local_id: str | None = msgspec.field(default=None, name="localID")
    software_language: str | None = None
    software_package: str | None = None
    software_version: str | None = None
    description: str | None = None
    descriptions: LocalisedText = {}

    def __post_init__(self) -> None:
        """Derive `description` from the texts where it is not given."""
        if self.description is None and (found := best_match(self.descriptions)):
            msgspec.structs.force_setattr(self, "description", found[1])


class Transition(Identifiable, frozen=True, kw_only=True):
    """When which step follows."""

    id: str | None = None  # type: ignore[assignment]
    local_id: str | None = msgspec.field(default=None, name="localID")
    condition: str | None = None
    conditions: LocalisedText = {}
    target_step: str

    def __post_init__(self) -> None:
        """Derive `condition` from the texts where it is not given."""
        if self.condition is None and (found := best_match(self.conditions)):
            msgspec.structs.force_setattr(self, "condition", found[1])


class ProcessStep(Nameable, frozen=True, kw_only=True):
    """A step, with the steps in it."""

    inputs: tuple[InputOutput, ...] = ()
    outputs: tuple[InputOutput, ...] = ()
    computation: Computation | None = None
    transitions: tuple[Transition, ...] = ()
    process_steps: tuple[ProcessStep, ...] = ()


class Process(Maintainable, frozen=True, kw_only=True):
    """Steps from input to output."""

    type_name: ClassVar[str] = "Process"

    process_steps: tuple[ProcessStep, ...] = ()
