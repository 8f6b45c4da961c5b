"""Scripts: Python, shell and node, as contained processes.

python.py shell.py node.py   the types: Script (one text) and Commands (a list of command lines)
runner.py         from input files to outputs         environments.py  packages of Python scripts, built once
output.py         log lines and `::{...}::` lines     isolation.py     levels, and users reserved for scripts
process.py        the worker's end of a process       starter.py       the process that starts them
offered/          modules that every Python script can import
"""
