"""Pages for engineers, below /ui/{tenant}/.

urls.py         addresses
lists.py        keyset pages and filters that live in the address
flows.py        the list of flows, and of one flow: overview, revisions, runs, switching on and off
editor.py       a flow's text: the editor page, its checks and its schema
start_form.py   the form that runs a flow directly
executions.py   the list of executions, and of one: its page, changes, logs, details, and what can be asked of it
run_page.py     what the page of an execution shows, as values
examples.py     starter texts for a new flow
"""
