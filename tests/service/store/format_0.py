"""A format that never was, older than the first, to prove migration with: what it lacks, and the way to this one.

Format 0 has no layout numbers and keeps the dimensions of a dataflow, joined by spaces, in table `flow_dimensions`.
"""

from __future__ import annotations

import json

import sqlalchemy as sa

from service.store.leaf import LeafFolder
from service.store.migration import STEPS, Step
from service.store.tables import ADDED_IN_FORMAT_2


def downgrade(url: str) -> None:
    """Make a store of this format one of format 0."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for table in ADDED_IN_FORMAT_2:
            table.drop(connection)
        connection.execute(sa.text("create table flow_dimensions (urn text primary key, ids text)"))
        rows = connection.execute(sa.text("select urn, dimensions from dataflow")).all()
        for urn, dimensions in rows:
            connection.execute(
                sa.text("insert into flow_dimensions values (:urn, :ids)"),
                {"urn": urn, "ids": " ".join(json.loads(dimensions))},
            )
        connection.execute(sa.text("update dataflow set dimensions = ''"))
        connection.execute(sa.text("alter table dataflow drop column layout"))
        connection.execute(sa.text("update store set value = '0' where name = 'format'"))
    engine.dispose()


def restore_dimensions(connection: sa.Connection, _leaves: LeafFolder) -> bool:
    """Move the dimensions of one dataflow a time, so that the work has several pieces."""
    columns = {column["name"] for column in sa.inspect(connection).get_columns("dataflow")}
    if "layout" not in columns:
        connection.execute(
            sa.text("alter table dataflow add column layout bigint not null default 1")
        )
        return False
    row = connection.execute(sa.text("select urn, ids from flow_dimensions order by urn")).first()
    if row is None:
        connection.execute(sa.text("drop table flow_dimensions"))
        return True
    urn, ids = row
    connection.execute(
        sa.text("update dataflow set dimensions = :dimensions where urn = :urn"),
        {"urn": urn, "dimensions": json.dumps(ids.split())},
    )
    connection.execute(sa.text("delete from flow_dimensions where urn = :urn"), {"urn": urn})
    return False


FORMAT_0_STEPS = (
    Step(0, "dimensions beside the dataflow", restore_dimensions, ("flow_dimensions",)),
    *STEPS,
)
