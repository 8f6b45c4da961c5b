"""Task types: what a step of a flow can be, and the code that runs it.

contract.py   TaskType, RunContext, Outcome, and the field types that properties are made of (Dynamic, Text)
registry.py   every type by its name; the catalogue that validation and the editor read
core/         log, debug, output, execution: instant, no I/O, run inside the executor
http/         Request and Download behind the address guard
scripts/      Python, shell and node scripts in contained processes
jdbc/         SQL queries against PostgreSQL, SQLite and DuckDB

A task type sees only its contract: no Django, no rows, no executor. What it needs, it gets through RunContext.
A new type is one class with a properties model; add it to the dict in registry.py.
"""
