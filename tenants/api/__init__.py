"""REST: authentication.py (token, cookie, declared action), errors.py (the error answer), me.py."""
