"""HTTP: Request and Download.

request.py  the two types            transport.py  one request: redirects, limits, stop
addresses.py  which addresses a flow may talk to: nothing inside, unless its namespace is allowed to
"""
