"""The measured workloads, and the peers beside us. Run all with `make bench`, or some: python -m benchmarks W5 W6.

    stack.py    our own servers, web, worker and scheduler in a temporary folder, fsync on
    celery_peer.py, celery_tasks.py   bare Celery on the same Redis with as many processes
    portico.py  the workloads on Portico           webhooks.py  a small HTTP client under load
    table.py    the result as a table and as JSON

Each workload counts what is in the database at the end and fails when less was done than it says.
"""
