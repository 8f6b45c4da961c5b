"""REST under /api/v1/{tenant}/ in the field's own shape, for what this room has.

shapes.py      rows as the JSON that clients expect
filters.py     `filters[field][OP]=value`, pages and sorts
bodies.py      reading YAML and multipart bodies
flows.py       create, get, update, validate, search, revisions, graph, delete
executions.py  create with inputs and files, get, search, and the verbs
webhooks.py    calls from outside
logs.py        log lines and their download
streams.py     following an execution or its logs by server-sent events, and files
"""
