"""Instant types: they do no I/O and run inside the executor.

log.py  Log        debug.py  Return, Echo        output.py  OutputValues        execution.py  Fail, Assert, Labels
"""
