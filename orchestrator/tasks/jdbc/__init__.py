"""SQL: Query and Queries for PostgreSQL, SQLite and DuckDB.

query.py  what all of them can be given, and how rows become outputs      statements.py  cutting and binding SQL text
postgresql.py  sqlite.py  duckdb.py   one engine each: connecting, reading in batches, being interrupted
"""
