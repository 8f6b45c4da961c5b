"""Ids of executions and task runs: 22 characters that sort by the millisecond in which they were made."""

import secrets
import time

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_BITS = 82
LENGTH = 22  # 62**22 holds 48 bits of milliseconds and 82 random ones


def new_id() -> str:
    """Return a new id; unguessable, and later ones sort after earlier ones."""
    number = (time.time_ns() // 1_000_000) << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, 62)
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))
