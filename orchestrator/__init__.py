"""Flows, executions, triggers, task types, storage. Knows tenants, and nobody above it.

core/          pure: what a flow says, the machine that brings executions forward, expressions, inputs
models/        rows            migrations/   their history
flows.py       save, disable, delete a flow            revisions.py   parsed revisions, kept per process
executions.py  start, kill, resume                     approvals.py   decide     seats.py  who may
executor.py    advance and apply: nothing else decides or writes a state
snapshots.py   rows <-> the machine's values           world.py, scopes.py  what it renders with
fetching.py    the I/O that expressions ask for
claims.py      leases          worker.py     one worker process           recovery.py   the tick
dispatch.py    the doorbell, and "something changed"   messages.py    the Celery function
tasks/         task types      storage.py    files     namespace_files.py   traces.py  what an attempt leaves behind
triggers/      what starts executions                  access.py      the only way rows reach a door
web/ api/ consumers.py   doors
"""
