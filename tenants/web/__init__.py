"""Pages: sign_in.py, me.py (oneself, notices), admin.py (members, groups, access, audit), and what every page needs.

doors.py declares each view's action, middleware.py runs it in its tenant, errors.py answers what it raises, shell.py
and tags.py serve the templates, who.py says who sent a request, forms.py brings a form back with its problems.
"""
