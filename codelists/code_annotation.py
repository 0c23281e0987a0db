"""The annotations of codes on which rules and converters build, and what can be wrong with them.

Not in SDMX: the standard leaves the meaning of annotations to the agency. docs/structures.md lists ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from codelists.item_scheme import Code, Codelist

_FLAGS = ("IS_TOTAL", "IS_UNKNOWN", "NOT_REPORTABLE")
_NO_VALUE = ("Y", "OPTIONAL")


def is_cyclic(above: dict[str, list[str]], start: str) -> bool:
    """Tell whether the way up from `start` comes back to it; `above` gives what stands above each id."""
    seen, pending = set(), list(above.get(start, []))
    while pending:
        id = pending.pop()
        if id == start:
            return True
        if id not in seen:
            seen.add(id)
            pending += above.get(id, [])
    return False


def annotation_faults(codelist: Codelist) -> Iterator[str]:
    """Yield what is wrong with ORDER, the flags and PARTITION of the codes of a list."""
    orders = Counter(
        value for code in codelist.codes if (value := code.annotation_value("ORDER")) is not None
    )
    yield from (f"ORDER {text} is no whole number." for text in orders if not text.isdigit())
    yield from (f"ORDER {text} stands {n} times." for text, n in orders.items() if n > 1)
    for code in codelist.codes:
        for flag in _FLAGS:
            if (annotation := code.annotation(flag)) and annotation.value != "Y":
                yield f"{code.id}: {flag} is Y or left out, not {annotation.value!r}."
        if (annotation := code.annotation("NO_VALUE")) and annotation.value not in _NO_VALUE:
            yield f"{code.id}: NO_VALUE is Y or OPTIONAL, not {annotation.value!r}."
    yield from _partition_faults(codelist)


def _partition_faults(codelist: Codelist) -> Iterator[str]:
    """Yield what is wrong with the PARTITION annotations: value = total, title = name, type = OPTIONAL."""
    codes = {code.id: code for code in codelist.codes}
    totals: dict[str, list[str]] = {}
    parts: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for code in codelist.codes:
        for entry in code.annotations:
            if entry.id != "PARTITION":
                continue
            total = entry.value or ""
            if total not in codes:
                yield f"{code.id}: PARTITION names the total {total!r}, which is no code of the list."
            if not entry.title or entry.type not in (None, "OPTIONAL"):
                yield f"{code.id}: PARTITION needs a title, and a type only where it is OPTIONAL."
            totals.setdefault(code.id, []).append(total)
            parts.setdefault((total, entry.title or ""), []).append((code.id, entry.type is None))
    for id in totals:
        if is_cyclic(totals, id):
            yield f"{id} is a part of itself."
    for (total, name), members in parts.items():
        yield from _faults_of_one_partition(total, name, members, codes)


def _faults_of_one_partition(
    total: str, name: str, members: list[tuple[str, bool]], codes: dict[str, Code]
) -> Iterator[str]:
    where = f"Partition {name} of {total}"
    if len({id for id, _ in members}) != len(members):
        yield f"{where}: a code is in it twice."
    if len(members) < 2 or not any(mandatory for _, mandatory in members):
        yield f"{where}: needs two parts or more, one of them not OPTIONAL."
    for id in (total, *(id for id, _ in members)):
        if id in codes and codes[id].annotation("NOT_REPORTABLE"):
            yield f"{where}: {id} is NOT_REPORTABLE and cannot take part in a sum."
