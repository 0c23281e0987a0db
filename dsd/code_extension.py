"""Code lists that take over the codes of others.

SDMX 3.1 Section 6, 6.1 "Codelist extension and discriminated unions".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from codelists.base import replaced
from codelists.item_scheme import (
    Code,
    Codelist,
    CodelistExtension,
    CodeSelection,
    GeoFeatureSetCode,
    GeographicCodelist,
    GeoGridCode,
    GeoGridCodelist,
    MemberValue,
)

Find = Callable[[str], Codelist | None]
"""URN of a code list -> the list, None where it is not there."""

_CODE_CLASSES: tuple[tuple[type[Codelist], type[Code]], ...] = (
    (GeographicCodelist, GeoFeatureSetCode),
    (GeoGridCodelist, GeoGridCode),
    (Codelist, Code),
)
_CODE_MEMBERS = Code.__struct_fields__


def with_inherited_codes(codelist: Codelist, find: Find) -> Codelist:
    """Return the list with the codes of those that it extends, and without the extensions that brought them.

    Codes come in the order of the extensions, own codes last; of several with one id the last stays. A code
    keeps its parent where that comes from the same list. An extension stays where its list is not there, or
    has codes without what those of this list must have (places without an outline).
    """
    return _extended(codelist, find, frozenset())


def _extended(codelist: Codelist, find: Find, below: frozenset[str]) -> Codelist:
    if not codelist.codelist_extensions:
        return codelist
    code_class = next(code for cls, code in _CODE_CLASSES if isinstance(codelist, cls))
    above = below | {str(codelist.urn)}
    groups: list[tuple[Code, ...]] = []
    kept: list[CodelistExtension] = []
    for extension in codelist.codelist_extensions:
        found = find(extension.codelist)
        # A list that extends itself by way of others brings nothing that it does not have.
        if found is None or str(found.urn) in above:
            kept.append(extension)
            continue
        codes = _selected(_extended(found, find, above), extension)
        if all(isinstance(code, code_class) for code in codes):
            groups.append(tuple(_as(code_class, code, extension.prefix or "") for code in codes))
        else:
            kept.append(extension)
    return replaced(
        codelist,
        codes=tuple(_united([*groups, codelist.codes])),
        codelist_extensions=tuple(kept),
    )


def _united(groups: list[tuple[Code, ...]]) -> Iterable[Code]:
    """Return the codes of all groups; of several with one id that of the last group."""
    group_of = {code.id: place for place, group in enumerate(groups) for code in group}
    own = len(groups) - 1
    for place, group in enumerate(groups):
        for code in group:
            if group_of[code.id] != place:
                continue
            is_lost = (
                code.parent is not None and place != own and group_of.get(code.parent) != place
            )
            yield replaced(code, parent=None) if is_lost else code


def _as(code_class: type[Code], code: Code, prefix: str) -> Code:
    """Return the code as one of a class, its id and its parent's with the prefix."""
    if type(code) is not code_class:
        code = code_class(**{name: getattr(code, name) for name in _CODE_MEMBERS})
    if not prefix:
        return code
    return replaced(code, id=f"{prefix}{code.id}", parent=code.parent and f"{prefix}{code.parent}")


def _selected(codelist: Codelist, extension: CodelistExtension) -> tuple[Code, ...]:
    included, excluded = extension.inclusive_code_selection, extension.exclusive_code_selection
    if included is None and excluded is None:
        return codelist.codes
    named = _named(codelist, included or excluded or CodeSelection())
    return tuple(code for code in codelist.codes if (code.id in named) == (included is not None))


def _named(codelist: Codelist, selection: CodeSelection) -> set[str]:
    found: set[str] = set()
    for member in (*selection.member_values, *selection.wildcarded_member_values):
        stated = MemberValue(value=member) if isinstance(member, str) else member
        found |= codes_meant(codelist, stated.value, stated.cascade_values)
    return found


def codes_meant(codelist: Codelist, value: str, cascade: object) -> set[str]:
    """Return the ids of the codes that a value means: `%` in it is any text.

    `cascade` adds the codes under them (True), or takes these alone (`excluderoot`). A value without `%` is
    returned also where it is no code of the list.

    >>> codes = (Code(id="A"), Code(id="A1", parent="A"), Code(id="B"))
    >>> sorted(codes_meant(Codelist(id="X", agency_id="T", codes=codes), "A", True))
    ['A', 'A1']
    """
    roots = {value}
    if "%" in value:
        pattern = re.compile(".*".join(re.escape(part) for part in value.split("%")), re.DOTALL)
        roots = {code.id for code in codelist.codes if pattern.fullmatch(code.id)}
    if not cascade:
        return roots
    found: set[str] = set()
    generation = set(roots)
    while generation:
        found |= generation
        generation = {code.id for code in codelist.codes if code.parent in generation} - found
    return found - roots if cascade == "excluderoot" else found
