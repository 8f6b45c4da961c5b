"""Rules that start executions.

fire.py       starts one execution for one trigger and one key: a key that was used returns its first execution
webhook.py    a call from outside: finding the trigger by its key, reading the call, firing
"""
