"""Registrations: where the data of an agreement are to be found. SDMX 3.1 Section 5; SDMXRegistryBase.xsd."""

from __future__ import annotations

from codelists.base import Part
from dsd.structure import QueryableDataSource


class Datasource(Part, frozen=True, kw_only=True):
    """A file, a service that answers queries, or both."""

    simple_data_source: str | None = None
    queryable_data_source: QueryableDataSource | None = None


class Registration(Part, frozen=True, kw_only=True):
    """A source of data or metadata that a provider registers for an agreement."""

    id: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    last_updated: str | None = None
    index_time_series: bool = False
    index_data_set: bool = False
    index_attributes: bool = False
    index_reporting_period: bool = False
    provision_agreement: str
    datasource: Datasource
