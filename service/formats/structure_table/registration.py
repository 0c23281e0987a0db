"""Registrations. SDMXRegistryBase.xsd; SDMX-JSON has none."""

from __future__ import annotations

from dsd.registration import Datasource, Registration
from service.formats.structure_table.base import attribute_flag
from service.formats.structure_table.conversions import TEXT, TIME, TOKEN
from service.formats.structure_table.vocabulary import Child, Field, Layout, Reference, Scalar

LAYOUTS: dict[str, Layout] = {
    "Datasource": Layout(
        Datasource,
        (
            Field("simple_data_source", Scalar(TEXT), "reg:SimpleDataSource"),
            Field("queryable_data_source", Child("QueryableDataSource"), "reg:QueryableDataSource"),
        ),
    ),
    "Registration": Layout(
        Registration,
        (
            Field("id", Scalar(TOKEN), "@id"),
            Field("valid_from", Scalar(TIME), "@validFrom"),
            Field("valid_to", Scalar(TIME), "@validTo"),
            Field("last_updated", Scalar(TOKEN), "@lastUpdated"),
            attribute_flag("index_time_series", "indexTimeSeries"),
            attribute_flag("index_data_set", "indexDataSet"),
            attribute_flag("index_attributes", "indexAttributes"),
            attribute_flag("index_reporting_period", "indexReportingPeriod"),
            Field("provision_agreement", Reference("ProvisionAgreement"), "reg:ProvisionAgreement"),
            Field("datasource", Child("Datasource"), "reg:Datasource"),
        ),
    ),
}
