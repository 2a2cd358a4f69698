"""Alembic runs this: the connection, and its transaction, come from `database.upgrade`."""

from alembic import context

from central.store.ledger_tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
context.run_migrations()
