"""Under which agreement a provider reports a table: it decides what the provider may report."""

from __future__ import annotations

from codelists.item_scheme import DataProviderScheme
from codelists.urn import Urn, UrnSyntaxError, parse_urn
from codelists.version import parse_version
from dsd.resolved import Dsd
from dsd.structure import ProvisionAgreement
from dsd.structures import Structures


class UnknownProviderError(LookupError):
    """A provider that no scheme has."""


def find_provider(structures: Structures, named: str) -> Urn:
    """Return the provider that a URN or an id (`IDN_MOM`) names.

    Raises:
        UnknownProviderError: no data provider scheme has it, or more than one.
    """
    found = [
        scheme.urn._replace(type="DataProvider", item=provider.id)
        for scheme in structures.of_type(DataProviderScheme)
        for provider in scheme.data_providers
    ]
    try:
        wanted = [parse_urn(named)]
    except UrnSyntaxError:
        wanted = [urn for urn in found if urn.item == named]
    if len(wanted) != 1 or wanted[0] not in found:
        known = ", ".join(sorted(urn.item or "" for urn in found))
        raise UnknownProviderError(f"{named!r} is no data provider; there are {known}")
    return wanted[0]


def coordinating_provider(structures: Structures, country: str) -> Urn | None:
    """Return the office that coordinates a country's reports, None where the schemes name none."""
    for scheme in structures.of_type(DataProviderScheme):
        for provider in scheme.data_providers:
            is_of_country = provider.annotation_value("COUNTRY") == country
            if is_of_country and provider.annotation_value("COORDINATING") == "Y":
                return scheme.urn._replace(type="DataProvider", item=provider.id)
    return None


def country_of(structures: Structures, provider: Urn) -> str | None:
    """Return the code of the country for which a provider reports, None where the scheme names none."""
    scheme = structures.get(provider.maintainable, DataProviderScheme)
    found = next((entry for entry in scheme.data_providers if entry.id == provider.item), None)
    return found.annotation_value("COUNTRY") if found else None


def find_agreement(structures: Structures, dsd: Dsd, provider: Urn) -> ProvisionAgreement | None:
    """Return the newest agreement of a provider for the dataflow of a DSD, None where there is none."""
    found = [
        agreement
        for agreement in structures.of_type(ProvisionAgreement)
        if agreement.data_provider
        and parse_urn(agreement.data_provider) == provider
        and (flow := structures.find(agreement.dataflow or str(dsd.urn))) is not None
        and flow.urn == dsd.urn
    ]
    return max(found, key=lambda entry: parse_version(entry.version), default=None)
