"""Where the components of a DSD stand in an SDMX-ML data set, for those who write it and for its schema."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from codelists.urn import Urn
from dsd.dataset import AttributeValues
from dsd.localised import takes_languages
from dsd.resolved import ANNOTATIONS, Dsd, ResolvedComponent, Role
from dsd.structure import Dimension
from service.formats.columns import observation_ids, written_ids
from service.formats.contract import EncodeOptions, NotExpressibleError
from service.formats.levels import Value, dimensions_of
from service.formats.sdmx_ml_syntax import MlVersion, Syntax
from service.formats.structure_table.data import MEASURE_DIMENSION

PRIMARY_MEASURE = "OBS_VALUE"


def structure_urn(dsd: Dsd) -> Urn:
    """Return the identity of what a message says its data are structured by."""
    return dsd.agreement or dsd.urn


def target_namespace(
    dsd: Dsd, dimension_at_observation: str, *, explicit_measures: bool = False
) -> str:
    """Return the namespace of the structure-specific schema (SDMX 3.1 Section 3, "Data-Structure-Specific Schema")."""
    explicit = ":explicit" if explicit_measures else ""
    return f"{structure_urn(dsd)}:ObsLevelDim:{dimension_at_observation}{explicit}"


def attachment(dsd: Dsd, component: ResolvedComponent) -> tuple[str, tuple[str, ...]]:
    """Return what an attribute is attached to: `none`, `group`, `dimensions` or `observation`; and which dimensions."""
    dimensions = dimensions_of(dsd, component)
    if dimensions is None:
        return "observation", ()
    if component.relationship is not None and component.relationship.group is not None:
        return "group", dimensions
    return ("dimensions", dimensions) if dimensions else ("none", ())


@dataclass(frozen=True)
class Layout:
    """The places of components, given the version and what stands at the observation."""

    dsd: Dsd
    version: MlVersion
    at_observation: tuple[str, ...]
    """Dimensions of an observation: one, or all in a flat layout."""
    components: tuple[ResolvedComponent, ...]
    """Those to write, in DSD order."""
    explicit_measures: bool = False
    """True where the one dimension at the observation is its type (SDMX 2.1)."""

    @property
    def is_flat(self) -> bool:
        """True where there is no series level."""
        return len(self.at_observation) == len(self.dsd.key_ids) > 1

    @property
    def dimension_at_observation(self) -> str:
        """Return the dimension at the observation, or `AllDimensions`."""
        return "AllDimensions" if self.is_flat else self.at_observation[0]

    @property
    def namespace(self) -> str:
        """Return the namespace of the structure-specific schema."""
        return target_namespace(
            self.dsd, self.dimension_at_observation, explicit_measures=self.explicit_measures
        )

    @cached_property
    def at_series(self) -> tuple[str, ...]:
        """The dimensions of the series key; all in a flat layout have none."""
        return tuple(id for id in self.dsd.key_ids if id not in self.at_observation)

    def level_of(self, component: ResolvedComponent) -> str:
        """Return where an attribute stands: `dataset`, `group`, `series`, `observation` or `atts`.

        `atts` is the element that SDMX 3.x has for values of any partial key, that of the data set too.
        """
        kind, dimensions = attachment(self.dsd, component)
        if kind == "dimensions":
            above = set(dimensions).isdisjoint(self.at_observation)
            beside = "atts" if self.version.has_atts else "observation"
            return "series" if above else beside
        whole = "atts" if self.version.has_atts else "dataset"
        return {"none": whole, "group": "group"}.get(kind, "observation")

    def attributes(self, *levels: str) -> list[ResolvedComponent]:
        """Return the attributes to write of these levels."""
        found = [c for c in self.components if c.role is Role.ATTRIBUTE]
        return [c for c in found if self.level_of(c) in levels]

    def place_of_notes(self, dimensions: Collection[str]) -> str:
        """Return where annotations of what has these dimensions stand: `dataset`, `series`, `atts`, or the id of a group.

        Raises:
            NotExpressibleError: nothing in this layout has these dimensions.
        """
        ids = frozenset(dimensions)
        if not ids:
            return "dataset"
        if not self.is_flat and ids == frozenset(self.at_series):
            return "series"
        parts = self.dsd.structure.data_structure_components
        for group in parts.groups if parts else ():
            if ids == frozenset(group.group_dimensions):
                return f"group:{group.id}"
        if self.version.has_atts:
            return "atts"
        hint = (
            "ask for TIME_PERIOD at the observation"
            if ids == frozenset(self.dsd.series_ids)
            else "write SDMX-ML 3.1 or SDMX-JSON 2.1"
        )
        raise NotExpressibleError(
            f"{self.version.name} with {self.dimension_at_observation} at the observation has no element for "
            f"annotations of {', '.join(sorted(ids))}; {hint}"
        )

    @cached_property
    def measures(self) -> list[ResolvedComponent]:
        """The measures to write."""
        return [c for c in self.components if c.role is Role.MEASURE]

    def is_complex(self, component: ResolvedComponent) -> bool:
        """Tell whether the values of a component stand in a `Comp`, since no XML attribute can hold them."""
        return self.version.has_atts and has_complex_representation(component)


def has_complex_representation(component: ResolvedComponent) -> bool:
    """Tell whether a value may be several texts, or texts in languages (SDMX 3.1 Section 3, "General Rules")."""
    return component.is_multiple or takes_languages(component) or is_structured(component)


def is_structured(component: ResolvedComponent) -> bool:
    """Tell whether the values of a component are marked-up texts."""
    return bool(component.text_format and component.text_format.data_type == "XHTML")


def make_layout(syntax: Syntax, dsd: Dsd, options: EncodeOptions) -> Layout:
    """Return the layout of a data set.

    Raises:
        NotExpressibleError: the dimension asked for is not in the DSD, or the syntax takes no other than
            TIME_PERIOD; the version cannot hold a component of the DSD.
    """
    version = syntax.version
    at_observation = tuple(observation_ids(dsd, options))
    ids = set(written_ids(dsd, options))
    check_components(version, dsd)
    if syntax.is_time_series:
        check_time_series(at_observation)
    # Generic data and SDMX 3.x have no explicit measures.
    explicit = options.explicit_measures and not (syntax.is_generic or version.has_atts)
    if explicit:
        check_explicit_measures(dsd, at_observation)
    components = tuple(c for c in dsd.components if c.id in ids)
    return Layout(dsd, version, at_observation, components, explicit)


def check_time_series(at_observation: Sequence[str]) -> None:
    """See to it that TIME_PERIOD stands at the observation.

    Raises:
        NotExpressibleError: another dimension does.
    """
    if tuple(at_observation) != ("TIME_PERIOD",):
        raise NotExpressibleError(
            "time series have TIME_PERIOD at the observation; ask for it, or for the format without time series"
        )


def check_explicit_measures(dsd: Dsd, at_observation: Sequence[str]) -> None:
    """See to it that the measure dimension stands at the observation.

    Raises:
        NotExpressibleError: another dimension stands there, or the DSD has no measure dimension.
    """
    found = [
        c.id
        for c in dsd.dimensions
        if isinstance(c.definition, Dimension) and c.definition.annotation(MEASURE_DIMENSION)
    ]
    if not found or tuple(at_observation) != tuple(found):
        raise NotExpressibleError(
            f"explicit measures are those of the measure dimension at the observation; {dsd.urn.short} has "
            f"{f'{found[0]}: ask for it as dimensionAtObservation' if found else 'no measure dimension'}"
        )


def check_components(version: MlVersion, dsd: Dsd) -> None:
    """See to it that a version can hold all components of a DSD.

    Raises:
        NotExpressibleError: SDMX 2.1: another measure than OBS_VALUE.
    """
    measures = [measure.id for measure in dsd.measures]
    if not version.has_atts and measures != [PRIMARY_MEASURE]:
        raise NotExpressibleError(
            f"{version.name} has exactly one measure, {PRIMARY_MEASURE}; {dsd.urn.short} has "
            f"{', '.join(measures) or 'none'}; write SDMX-ML 3.0 or 3.1, SDMX-CSV or SDMX-JSON"
        )


def check_above(layout: Layout, attributes: Iterable[AttributeValues]) -> None:
    """See to it that values above the observation hold the key that their attribute depends on, one a key.

    Raises:
        NotExpressibleError: a value has another key, or belongs to the observation; two of one key differ; there is
            no place for annotations.
    """
    known: dict[tuple[str, tuple[tuple[str, str], ...]], Value] = {}
    for entry in attributes:
        for id in entry.values:
            if id == ANNOTATIONS:
                layout.place_of_notes(entry.key)
                continue
            kind, dimensions = attachment(layout.dsd, layout.dsd[id])
            if kind == "observation" or not set(dimensions) <= set(entry.key):
                raise NotExpressibleError(
                    f"{layout.version.name} cannot attach {id} to the key {dict(entry.key)}: "
                    f"it depends on {', '.join(dimensions) or 'the observation'}"
                )
            key = restricted(entry.key, dimensions)
            value = entry.values[id]
            if known.setdefault((id, key), value) != value:
                raise NotExpressibleError(
                    f"{id} has two values, {known[id, key]!r} and {value!r}, for "
                    f"{dict(key) or 'the whole dataset'}: mend the contradiction"
                )


def restricted(key: dict[str, str], dimensions: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the part of a key that these dimensions have, in their order."""
    return tuple((id, key[id]) for id in dimensions if id in key)
