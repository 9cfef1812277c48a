"""What the reading page needs: who the patient is, what people did, sessions, the audit trail"""

from alembic import op
import sqlalchemy as sa

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

STUDY = (
    ('study_time', sa.String(16), ''),
    ('study_id', sa.Text(), ''),
    ('referring_physician', sa.Text(), ''),
    ('patient_name', sa.Text(), ''),
    ('patient_birth_date', sa.String(8), ''),
    ('patient_sex', sa.String(16), ''),
    ('priority', sa.String(16), 'routine'),
)

APPEND_ONLY = {
    'sqlite': (
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
        # INSERT OR REPLACE deletes without firing the trigger above.
        "CREATE TRIGGER audit_in_order BEFORE INSERT ON audit WHEN NEW.n <> (SELECT coalesce(max(n), 0) + 1 FROM audit) "
        "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
    ),
    'postgresql': (
        "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$",
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
    ),
}


def upgrade() -> None:
    with op.batch_alter_table('study') as study:
        for name, kind, default in STUDY:
            study.add_column(sa.Column(name, kind, nullable=False, server_default=default))
    with op.batch_alter_table('series') as series:
        series.add_column(sa.Column('number', sa.Integer(), nullable=True))
    with op.batch_alter_table('association') as association:
        # What ended before there was a trail is not told in it.
        association.add_column(sa.Column('audited', sa.Boolean(), nullable=False, server_default=sa.true()))
    op.create_index(op.f('ix_association_audited'), 'association', ['audited'])
    op.create_index(op.f('ix_instance_association'), 'instance', ['association'])
    with op.batch_alter_table('answer') as answer:
        answer.add_column(sa.Column('asked_by_name', sa.Text(), nullable=False, server_default=''))
    op.create_table(
        'act',
        sa.Column('reading', sa.String(96), sa.ForeignKey('reading.id', name=op.f('fk_act_reading')), nullable=False),
        sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('study', sa.String(64), sa.ForeignKey('study.uid', name=op.f('fk_act_study')), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('kind', sa.String(16), nullable=False),
        sa.Column('state', sa.String(16), nullable=False),
        sa.Column('person_id', sa.Text(), nullable=False),
        sa.Column('person_name', sa.Text(), nullable=False),
        sa.Column('document', sa.Text(), nullable=False),
        sa.Column('created', sa.Double(), nullable=False),
        sa.Column('composed', sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint('reading', 'number', name=op.f('pk_act')),
        sa.UniqueConstraint('study', 'version', name=op.f('uq_act_study_version')),
    )
    op.create_table(
        'own_read',
        sa.Column(
            'reading', sa.String(96), sa.ForeignKey('reading.id', name=op.f('fk_own_read_reading')), nullable=False
        ),
        sa.Column('person_id', sa.String(256), nullable=False),
        sa.Column('document', sa.Text(), nullable=False),
        sa.Column('created', sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint('reading', 'person_id', name=op.f('pk_own_read')),
    )
    op.create_table(
        'audit',
        sa.Column('n', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('at', sa.Double(), nullable=False),
        sa.Column('message', sa.Text(), nullable=False),
        sa.Column('previous', sa.String(64), nullable=False),
        sa.Column('hash', sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint('n', name=op.f('pk_audit')),
    )
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)
    op.create_table(
        'audit_position',
        sa.Column('collector', sa.String(255), nullable=False),
        sa.Column('n', sa.BigInteger(), nullable=False),
        sa.Column('hash', sa.String(64), nullable=False),
        sa.Column('at', sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint('collector', name=op.f('pk_audit_position')),
    )
    op.create_table(
        'session',
        sa.Column('id', sa.String(64), nullable=False),
        sa.Column('principal', sa.Text(), nullable=False),
        sa.Column('created', sa.Double(), nullable=False),
        sa.Column('last_seen', sa.Double(), nullable=False),
        sa.Column('expires', sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_session')),
    )
    op.create_index(op.f('ix_session_expires'), 'session', ['expires'])
    op.create_table(
        'idempotency',
        sa.Column('key', sa.String(64), nullable=False),
        sa.Column('request', sa.String(64), nullable=False),
        sa.Column('status', sa.Integer(), nullable=True),
        sa.Column('headers', sa.Text(), nullable=False),
        sa.Column('body', sa.Text(), nullable=False),
        sa.Column('created', sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint('key', name=op.f('pk_idempotency')),
    )
    op.create_index(op.f('ix_idempotency_created'), 'idempotency', ['created'])


def downgrade() -> None:
    for name in ('idempotency', 'session', 'audit_position', 'audit', 'own_read', 'act'):
        op.drop_table(name)
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP FUNCTION audit_append_only')
    op.drop_index(op.f('ix_instance_association'), 'instance')
    op.drop_index(op.f('ix_association_audited'), 'association')
    with op.batch_alter_table('association') as association:
        association.drop_column('audited')
    with op.batch_alter_table('answer') as answer:
        answer.drop_column('asked_by_name')
    with op.batch_alter_table('series') as series:
        series.drop_column('number')
    with op.batch_alter_table('study') as study:
        for name, _, _ in STUDY:
            study.drop_column(name)
