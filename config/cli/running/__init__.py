"""What `portico run` does once there is a store: files in, executions followed, results out.

asked.py      what is to be run: files, inputs, lines of a requests file
desk.py       a tenant of its own, flows saved there without their triggers, executions started
crew.py       worker processes that live as long as the command
follow.py     waits until everything has ended or paused, and shows how it goes
results.py    one execution as a line of JSON
"""
