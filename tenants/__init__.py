"""Who, where, may they: tenants, people, rights, and the records of what was done with them.

core/        pure: actions.py (every permission once), roles.py (built in), namespaces.py (places), grants.py (the rule)
models/      rows; every tenant-owned one is TenantOwned (owned.py) and walled in by the database (rls.py, migrations)
actor.py     who acts, with their rights, cached by the tenant's permission version;  shares.py: single shared apps
access.py    may they: require and allowed for one thing, visible_to for rows, holders, who_can_grant, rights_changed
giving.py    nobody gives what they do not hold: asked by bindings.py, groups.py, roles.py and tokens.py
tenancy.py   in_tenant (the walled transaction), create_tenant;  users.py, namespaces.py: members and places
sign_in.py   passwords, slowed down for who guesses;  first_run.py: the set-up of a fresh server
audit.py     who did what (insert-only);  notices.py: the bell;  outbox.py: mail, sent by the tick
errors.py    the tree that other rooms subclass; HTTP status is known to web/errors.py and api/errors.py alone
web/         doors.py (@door on every view), middleware.py, shell.py (navigation), tags.py, and the pages;  api/
"""
