"""Flows, executions, triggers, task types, storage. Knows tenants, and nobody above it.

core/          pure: what a flow says, the machine that brings executions forward, expressions, inputs
models/        rows            migrations/   their history
flows.py       save, disable, delete a flow            revisions.py   parsed revisions, kept per process
executions.py  start, kill, resume                     approvals.py   decide     seats.py  who may
executor.py    advance and apply: nothing else decides or writes a state
snapshots.py   rows <-> the machine's values           world.py, scopes.py  what it renders with
fetching.py    the I/O that expressions ask for       saying.py      the core's sentences in the reader's language
claims.py      leases          worker.py     one worker process           recovery.py   the tick
endings.py     how an attempt ended, kept until its execution's turn
dispatch.py    the doorbell, and "something changed" (crier.py: once for many); messages.py  the Celery function
hub.py         carries changes to open sockets and streams; changes.py  what is new; watching.py  may they still see
tasks/         task types      storage.py    files     namespace_files.py   traces.py  what an attempt leaves behind
flow_inputs.py what a form or the API gave             flow_schema.py what the editor completes
downloads.py   files handed out, safely                ids.py         ids that sort by time     json_text.py
triggers/      what starts executions                  access.py      the only way rows reach a door
web/ api/ consumers.py   doors
"""
