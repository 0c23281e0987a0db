"""The parts of a request before they mean anything: path segments and query parameters, decoded.

Both are taken as they stand in the request line: a `+` is an operator of SDMX-REST, not a space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes

from service.query.errors import QuerySyntaxError, allowed, nearest

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FILTER = re.compile(r"c\[(?P<component>[^\[\]]*)\]")
_DATE_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,12})?(Z|[+-]\d{2}:\d{2})?", re.ASCII
)
_INTEGER = re.compile(r"\d{1,18}", re.ASCII)
_NESTED_ID = re.compile(r"[A-Za-z][A-Za-z\d_-]*(\.[A-Za-z][A-Za-z\d_-]*)*", re.ASCII)
_ID = re.compile(r"[A-Za-z\d_@$-]+", re.ASCII)
_ITEM = re.compile(r"[A-Za-z\d_@$-]+(\.[A-Za-z\d_@$-]+)*", re.ASCII)
_VALUE = re.compile(r".+", re.DOTALL)

ID_FORMS = {
    "agency": (_NESTED_ID, "an agency id such as ILMS or SDMX.TWG"),
    "id": (_ID, "an id of letters, digits and _ @ $ -"),
    "item": (_ITEM, "an item id, for a nested one with those above it, as in A.A1"),
    "value": (_VALUE, "a value"),
}
"""How the identifiers in a path are written. SDMX 3.1 Section 2, common types."""


def decode(text: str, what: str) -> str:
    """Return percent-encoded text decoded; `+` stays `+`.

    Raises:
        QuerySyntaxError: an escape is broken, or the text is no UTF-8 or holds control characters.
    """
    if _BROKEN_ESCAPE.search(text):
        raise QuerySyntaxError(
            f"{what} {text!r} has a % that starts no escape; write % itself as %25"
        )
    try:
        decoded = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise QuerySyntaxError(f"{what} {text!r} is not percent-encoded UTF-8") from error
    if _CONTROL.search(decoded):
        raise QuerySyntaxError(f"{what} {decoded!r} holds a control character")
    return decoded


def segments(path: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return the parts of a path by name, decoded; trailing parts may be absent, as may the last slash.

    Raises:
        QuerySyntaxError: more parts than names, or an empty one before the last.
    """
    parts = [decode(part, "the path part") for part in path.strip("/").split("/")]
    if parts == [""]:
        return {}
    if len(parts) > len(names):
        raise QuerySyntaxError(
            f"the path has {len(parts)} parts after {'/'.join(parts[: len(names)])}; "
            f"it takes at most {len(names)}: {'/'.join(f'{{{name}}}' for name in names)}"
        )
    for name, part in zip(names, parts, strict=False):
        if not part:
            raise QuerySyntaxError(
                f"the path part {name} is empty; name what is wanted or leave out all that follows"
            )
    return dict(zip(names, parts, strict=False))


EVERYTHING = ("*", "all", "ALL")
"""How clients of either line write that they want all. `ALL`: non-standard, seen at opensdmx."""


def identifiers(text: str, form: str, separator: str, name: str) -> tuple[str, ...]:
    """Return the identifiers of a path part, each once; empty where the part asks for everything.

    Raises:
        QuerySyntaxError: one of them is no identifier.
    """
    pattern, how = ID_FORMS[form]
    found = text.split(separator)
    for entry in found:
        if entry not in EVERYTHING and pattern.fullmatch(entry) is None:
            raise QuerySyntaxError(
                f"{name} {text!r}: {entry!r} is not {how}; several are joined by {separator}, "
                f"{'*' if separator == ',' else 'all'} asks for all"
            )
    return () if set(found) & set(EVERYTHING) else tuple(dict.fromkeys(found))


def component_ids(text: str, separator: str, name: str) -> tuple[str, ...]:
    """Return the component ids (or keywords) of a parameter as they stand.

    Raises:
        QuerySyntaxError: one of them is no id.
    """
    found = tuple(text.split(separator))
    for entry in found:
        if entry != "*" and _ID.fullmatch(entry) is None:
            raise QuerySyntaxError(
                f"{name}: {entry!r} is no component id; several are joined by {separator}"
            )
    return found


@dataclass(frozen=True)
class Parameters:
    """The query parameters of a request, decoded, each at most once."""

    values: Mapping[str, str]
    filters: Mapping[str, str]
    """Of the `c` parameter: component id to its expression."""

    def text(self, name: str) -> str | None:
        """Return a value, None where the parameter is absent."""
        return self.values.get(name)

    def choice(self, name: str, words: Iterable[str]) -> str | None:
        """Return a value out of a closed list, None where the parameter is absent.

        Raises:
            QuerySyntaxError: it is not on the list.
        """
        found = self.choices(name, words, many=False)
        return found[0] if found else None

    def choices(self, name: str, words: Iterable[str], *, many: bool) -> tuple[str, ...]:
        """Return the values out of a closed list, each once; empty where the parameter is absent.

        Raises:
            QuerySyntaxError: one is not on the list, or there are several where one is allowed.
        """
        value = self.values.get(name)
        if value is None:
            return ()
        known = [str(word) for word in words]
        found = value.split(",") if many else [value]
        for entry in found:
            if entry not in known:
                raise QuerySyntaxError(
                    f"{name}={value}: {entry!r} is not allowed; {allowed(entry, known)}"
                )
        return tuple(dict.fromkeys(found))

    def integer(self, name: str, minimum: int) -> int | None:
        """Return a whole number, None where the parameter is absent.

        Raises:
            QuerySyntaxError: it is no number or below the minimum.
        """
        value = self.values.get(name)
        if value is None:
            return None
        if _INTEGER.fullmatch(value) is None or int(value) < minimum:
            raise QuerySyntaxError(f"{name}={value}: write a whole number from {minimum} on")
        return int(value)

    def boolean(self, name: str) -> bool:
        """Return an xs:boolean, False where the parameter is absent.

        Raises:
            QuerySyntaxError: it is neither true nor false.
        """
        return self.choice(name, ("true", "false", "1", "0")) in ("true", "1")

    def instant(self, name: str) -> datetime | None:
        """Return an xs:dateTime in UTC, None where the parameter is absent. Without an offset it is UTC.

        Raises:
            QuerySyntaxError: it is no dateTime.
        """
        value = self.values.get(name)
        if value is None:
            return None
        try:
            if _DATE_TIME.fullmatch(value) is None:
                raise ValueError(value)
            found = datetime.fromisoformat(value)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise QuerySyntaxError(
                f"{name}={value}: write a dateTime, as in 2024-05-15T14:15:00Z or "
                "2024-05-15T14:15:00%2B07:00"
            ) from error


def read_parameters(
    raw_query: str, known: tuple[str, ...], elsewhere: Mapping[str, str], *, components: bool
) -> Parameters:
    """Return the parameters of a raw query string.

    Args:
        raw_query: what stands after the `?`, not decoded.
        known: the parameters of this resource.
        elsewhere: parameters that a client of the other line may try, with what to write instead.
        components: True where `c[COMPONENT]` is known.

    Raises:
        QuerySyntaxError: a parameter is unknown, empty or given twice.
    """
    values: dict[str, str] = {}
    filters: dict[str, str] = {}
    for pair in filter(None, raw_query.split("&")):
        raw_name, _, raw_value = pair.partition("=")
        name = decode(raw_name, "the parameter")
        value = decode(raw_value, f"the value of {name}")
        match = _FILTER.fullmatch(name) if components else None
        target, key = (filters, match["component"]) if match else (values, name)
        if not match and name not in known:
            raise QuerySyntaxError(_unknown(name, known, elsewhere, components))
        if key in target:
            raise QuerySyntaxError(f"{name} is given twice; give it once")
        if not value:
            raise QuerySyntaxError(f"{name} has no value; give it one or leave it out")
        target[key] = value
    return Parameters(values, filters)


def _unknown(
    name: str, known: tuple[str, ...], elsewhere: Mapping[str, str], components: bool
) -> str:
    if (stem := name.partition("[")[0]) in elsewhere:
        return f"there is no parameter {name} here; {elsewhere[stem]}"
    if components and (name == "c" or name.startswith("c[")):
        return f"{name}: name the component in brackets, as in c[REF_AREA]=IDN"
    everything = (*known, "c[COMPONENT]") if components else known
    return f"there is no parameter {name}; {nearest(name, (*everything, *elsewhere))}"
