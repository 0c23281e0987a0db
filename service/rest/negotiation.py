"""Which format, language and content coding answers a request.

SDMX-REST 1.5.0, 4_3_structures.md ff.; SDMX-REST 2.2.2, doc/representation.md, doc/extension "format, lang,
compression"; RFC 9110, 12 "Content Negotiation". Query parameters win over headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from service.query.grammar import Grammar
from service.rest.media_type import Weighted, parse_media_ranges, parse_weighted, version_fits
from service.rest.preference import preferred_first


class NotAcceptableError(Exception):
    """Nothing that is offered satisfies the request; lists what is."""


class Offered(Protocol):
    """What data and structure formats have in common."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def media_type(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def aliases(self) -> tuple[str, ...]: ...  # noqa: D102


AnyFormat = TypeVar("AnyFormat", bound=Offered)


@dataclass(frozen=True)
class Choice(Generic[AnyFormat]):
    """The format that answers, and the exact Content-Type to send."""

    format: AnyFormat
    content_type: str
    options: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the media type that change the content: `labels`, `timeFormat`, `keys`."""


# Parameters with their values by structured syntax suffix; the first value is the default.
# SDMX-CSV 2.1, "Media type"; the field guide also writes `key`.
_OPTIONS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "csv": (
        ("labels", ("id", "name", "both")),
        ("timeFormat", ("original", "normalized")),
        ("keys", ("none", "obs", "series", "both")),
    )
}

# Names of the `format` parameter. SDMX-REST 2.2.2, "format extension". Non-standard, seen at the OECD: csvfile and
# csvfilewithlabels, as the .Stat Suite writes them into the URLs that its users copy.
_FORMAT_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("genericdata", ("application/vnd.sdmx.genericdata+xml",)),
    ("generictimeseriesdata", ("application/vnd.sdmx.generictimeseriesdata+xml",)),
    ("structurespecificdata", ("application/vnd.sdmx.data+xml", "application/vnd.sdmx.structurespecificdata+xml")),
    ("structurespecifictimeseriesdata", ("application/vnd.sdmx.structurespecifictimeseriesdata+xml",)),
    ("genericmetadata", ("application/vnd.sdmx.metadata+xml", "application/vnd.sdmx.genericmetadata+xml")),
    ("structurespecificmetadata", ("application/vnd.sdmx.structurespecificmetadata+xml",)),
    ("jsonmetadata", ("application/vnd.sdmx.metadata+json",)),
    ("csvmetadata", ("application/vnd.sdmx.metadata+csv",)),
    ("jsondata", ("application/vnd.sdmx.data+json",)),
    ("csvdata", ("application/vnd.sdmx.data+csv",)),
    ("csvfile", ("application/vnd.sdmx.data+csv",)),
    ("csvfilewithlabels", ("application/vnd.sdmx.data+csv",)),
    ("structure", ("application/vnd.sdmx.structure+xml",)),
    ("jsonstructure", ("application/vnd.sdmx.structure+json",)),
    ("schema", ("application/vnd.sdmx.schema+xml",)),
    ("jsonschema", ("application/vnd.sdmx.schema+json",)),
)  # fmt: skip


_OPTIONS_OF_NAMES = {"csvfilewithlabels": (("labels", "both"),)}
"""What a name asks for beside the format."""


def family_of(name: str) -> str:
    """Return the structured syntax (`xml`, `json`, `csv`) of a format by its name; empty where it has none.

    >>> family_of("structure"), family_of("json10"), family_of("ml21-generic"), family_of("xlsx")
    ('xml', 'json', 'xml', '')
    """
    types = dict(_FORMAT_NAMES).get(name.lower())
    if types:
        return types[0].rpartition("+")[2]
    own = (("json", "json"), ("ml", "xml"), ("xsd", "xml"), ("csv", "csv"))
    return next((family for start, family in own if name.lower().startswith(start)), "")


def full_type(offered: Offered) -> str:
    """Return the media type with its version, as SDMX writes it; alone where it has none."""
    return (
        f"{offered.media_type};version={offered.version}" if offered.version else offered.media_type
    )


def choose_format(
    formats: Sequence[AnyFormat],
    grammar: Grammar,
    accept: str,
    format_name: str | None = None,
    format_version: str | None = None,
) -> Choice[AnyFormat]:
    """Return the format that answers.

    Of several with the same weight the more specifically asked wins, then the one named first, then the
    order of the API line.

    Raises:
        NotAcceptableError: none of `formats` satisfies the request.
    """
    ordered = preferred_first(formats, grammar)
    if format_name:
        return _named(ordered, format_name, format_version)
    ranges = parse_media_ranges(accept)
    if not ranges:
        return Choice(ordered[0], full_type(ordered[0]))
    candidates = [
        (-found[0].weight, -found[1], found[0].position, place, found[0], offered)
        for place, offered in enumerate(ordered)
        if (found := _best_range(offered, ranges)) and found[0].weight > 0
    ]
    if not candidates:
        raise NotAcceptableError(_refusal("Accept", accept, ordered))
    *_, chosen, offered = min(candidates, key=lambda candidate: candidate[:4])
    return Choice(offered, *_content_type(offered, chosen))


def _named(ordered: Sequence[AnyFormat], name: str, version: str | None) -> Choice[AnyFormat]:
    wanted = dict(_FORMAT_NAMES).get(name.lower(), ())
    for offered in ordered:
        if (offered.media_type in wanted or offered.name == name.lower()) and (
            version is None or version_fits(version, offered.version)
        ):
            options = dict(_OPTIONS_OF_NAMES.get(name.lower(), ()))
            written = (f"{key}={value}" for key, value in options.items())
            return Choice(offered, ";".join((full_type(offered), *written)), options)
    asked = " ".join(filter(None, (name, version)))
    raise NotAcceptableError(
        f"{_refusal('format', asked, ordered)}; by name {', '.join(entry.name for entry in ordered)}"
    )


def _best_range(offered: Offered, ranges: Iterable[Weighted]) -> tuple[Weighted, int] | None:
    """Return the most specific range that the format satisfies, and how specific it is."""
    fitting = [(entry, _specificity(offered, entry)) for entry in ranges]
    return max(
        (found for found in fitting if found[1]),
        key=lambda found: (found[1], found[0].weight),
        default=None,
    )


def _specificity(offered: Offered, entry: Weighted) -> int:
    """Return how specific a range names a format: 0 where it does not, more is more specific."""
    if entry.value == "*/*":
        return 1
    types = (offered.media_type, *offered.aliases)
    if entry.value.endswith("/*"):
        family = entry.value[:-1]
        return 2 if any(name.startswith(family) for name in types) else 0
    if entry.value not in types or not _options_fit(offered, entry):
        return 0
    version = entry.parameters.get("version")
    if version is None:
        return 3
    return 4 if version_fits(version, offered.version) else 0


def _suffix_options(offered: Offered) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return _OPTIONS.get(offered.media_type.rpartition("+")[2], ())


def _asked_option(entry: Weighted, name: str) -> str | None:
    asked = entry.parameters.get(name.lower())
    return entry.parameters.get("key") if asked is None and name == "keys" else asked


def _options_fit(offered: Offered, entry: Weighted) -> bool:
    return all(
        (asked := _asked_option(entry, name)) is None or asked.lower() in values
        for name, values in _suffix_options(offered)
    )


def _content_type(offered: Offered, entry: Weighted) -> tuple[str, dict[str, str]]:
    """Return the Content-Type that answers a range, with the options that it asks for."""
    options = {
        name: asked.lower()
        for name, _ in _suffix_options(offered)
        if (asked := _asked_option(entry, name)) is not None
    }
    if (alias := _plain_name(offered, entry)) is not None:
        return alias, options
    return ";".join(
        (full_type(offered), *(f"{name}={value}" for name, value in options.items()))
    ), options


def _plain_name(offered: Offered, entry: Weighted) -> str | None:
    """Return the short type by which a range names a format, None where it names the whole type."""
    if entry.value in offered.aliases:
        return entry.value
    family = entry.value.removesuffix("*")
    if family in (entry.value, "*/") or offered.media_type.startswith(family):
        return None
    return next(alias for alias in offered.aliases if alias.startswith(family))


def _refusal(source: str, asked: str, offered: Iterable[Offered]) -> str:
    listed = ", ".join(full_type(entry) for entry in offered)
    return f"{source} asks for {asked!r}, which this resource has not; it has {listed}"


ALL_LANGUAGES = "all"
ANY_LANGUAGE = "*"


def choose_languages(
    accept_language: str, lang: str | None, available: Sequence[str]
) -> tuple[str, ...]:
    """Return the languages to answer in, best first, `*` at the end for all; empty where the client has no wish.

    Raises:
        NotAcceptableError: `lang` names a language of which nothing is there.
    """
    is_all = lang is not None and lang.lower() in (ALL_LANGUAGES, ANY_LANGUAGE)
    if lang and not is_all:
        if not lookup_language(lang, available):
            listed = ", ".join(available)
            raise NotAcceptableError(
                f"lang asks for {lang!r}, which is not there; there are {listed}"
            )
        return (lang,)
    entries = sorted(
        (entry for entry in parse_weighted(accept_language) if entry.weight > 0),
        key=lambda entry: (-entry.weight, entry.position),
    )
    wished = [entry.value for entry in entries]
    # A wildcard means any: what stands after it is no better than the default.
    if ANY_LANGUAGE in wished:
        return tuple(wished[: wished.index(ANY_LANGUAGE) + 1])
    return (*wished, ANY_LANGUAGE) if is_all else tuple(wished)


def lookup_language(asked: str, available: Iterable[str]) -> str | None:
    """Return the available tag that a lookup finds (RFC 4647, 3.4), None where there is none.

    >>> lookup_language("fr-CH", ["en", "fr"])
    'fr'
    """
    by_tag = {tag.lower(): tag for tag in available}
    subtags = asked.lower().split("-")
    while subtags:
        if (found := by_tag.get("-".join(subtags))) is not None:
            return found
        subtags.pop()
    return None


def choose_coding(accept_encoding: str, compression: str | None, available: Sequence[str]) -> str:
    """Return the content coding to send, `identity` for none.

    Raises:
        NotAcceptableError: `compression` names a coding that is not there.
    """
    if compression:
        if compression.lower() in ("identity", *available):
            return compression.lower()
        listed = ", ".join(available)
        raise NotAcceptableError(
            f"compression asks for {compression!r}, which is not there; there are {listed}"
        )
    # `x-gzip` is an old name (RFC 9110, 8.4.1.3).
    weights = {
        entry.value.removeprefix("x-"): entry.weight for entry in parse_weighted(accept_encoding)
    }
    best = max(
        available,
        key=lambda name: (weights.get(name, weights.get("*", 0.0)), -available.index(name)),
        default="identity",
    )
    weight = weights.get(best, weights.get("*", 0.0))
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else "identity"
