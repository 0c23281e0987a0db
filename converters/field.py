"""What is asked once: a line of a header block, or a column of the sources sheet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from codelists.item_scheme import Code
from converters.label import Captions, unique_labels
from converters.profile import Profile, in_languages
from converters.reportable import reportable_codes
from dsd.resolved import ResolvedComponent


class FieldKind(StrEnum):
    """What a field tells."""

    TABLE = "table"
    DIMENSION = "dimension"
    VERSION = "version"
    ATTRIBUTE = "attribute"
    GAP = "gap"
    NOTES = "notes"
    NUMBERED_NOTE = "numbered-note"
    SOURCE = "source"
    """Something about a source that no table has."""


@dataclass(frozen=True)
class Field:
    """A caption and a value that holds for the whole sheet, or for the whole source."""

    key: str
    """Component id; `version:` and a dimension; `note:` and a number; or the kind."""
    kind: FieldKind
    caption: str
    captions: Captions
    """Every text by which a reader knows the field."""
    component: ResolvedComponent | None = None
    codes: tuple[Code, ...] = ()
    """What can be chosen, empty where any text goes."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Code id to the text in the list."""
    default: str | None = None
    """The one code that can be: printed and locked."""
    is_required: bool = False
    is_multiple: bool = False
    is_below: bool = False
    """True where the line stands under the figures."""

    def text(self, values: Iterable[str]) -> str:
        """Return what a cell says for these codes, or for one text."""
        given = list(values)
        labels = [self.labels.get(code, code) for code in given]
        if self.is_multiple:
            # A label that holds a semicolon could not be told from two.
            labels = [
                code if ";" in text else text for code, text in zip(given, labels, strict=True)
            ]
        return "; ".join(labels)


def component_field(
    component: ResolvedComponent,
    kind: FieldKind,
    profile: Profile,
    languages: tuple[str, ...],
    role: Mapping[str, str] | None = None,
) -> Field:
    """Return the field of a component, as constraints leave it."""
    caption, captions = component_captions(component, profile, languages, role)
    codes = reportable_codes(component)
    required = component.is_mandatory or component.id in profile.attributes.required
    return Field(
        component.id,
        kind,
        caption,
        captions,
        component,
        codes,
        code_labels(codes, languages),
        default=codes[0].id if required and len(codes) == 1 else None,
        is_required=required,
        is_multiple=component.is_multiple,
        is_below=component.id in profile.attributes.below,
    )


def component_captions(
    component: ResolvedComponent,
    profile: Profile,
    languages: tuple[str, ...],
    role: Mapping[str, str] | None = None,
) -> tuple[str, Captions]:
    """Return the caption of a component and every text that a reader takes for it.

    Args:
        component: the component.
        profile: captions that say more than the name of the concept.
        languages: of the caption.
        role: the texts of the part that the component plays in this table; they go before all others.
    """
    names = component.concept.names
    texts = role or {**names, **profile.captions.get(component.id, {})}
    caption = in_languages(texts, languages, component.name)
    known = (*texts.values(), *names.values(), component.name, component.id, caption)
    return caption, Captions(known)


def code_labels(
    codes: Iterable[Code], languages: tuple[str, ...], own: Sequence[Code] | None = None
) -> dict[str, str]:
    """Return the label of each code; those of `own` (all where None) are told apart where they are alike."""
    found = list(codes)
    labels = {code.id: in_languages(code.names, languages, code.label()) for code in found}
    return {**labels, **unique_labels(found if own is None else own, labels)}


def text_captions(texts: Mapping[str, str], languages: tuple[str, ...]) -> tuple[str, Captions]:
    """Return the caption that these texts make, and all by which it is known."""
    caption = in_languages(texts, languages)
    return caption, Captions((caption, *texts.values()))
