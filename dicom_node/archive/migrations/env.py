"""Alembic runs inside the transaction that `migrate` opens; `alembic check` uses the same."""

from alembic import context

from dicom_node.archive.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
