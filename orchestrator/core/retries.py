"""When a failed attempt is followed by another."""

from datetime import datetime, timedelta

from orchestrator.core.spec import RetryKind, RetrySpec


def next_attempt_at(
    retry: RetrySpec,
    tries: int,
    first_start: datetime,
    at: datetime,
    chance: float,
) -> datetime | None:
    """Return when to try again, or None when no attempt is left.

    `tries` counts the attempts already made, `at` is when the last one ended, `chance` in [0, 1) spreads a random
    retry. The exponential form grows by interval x int(factor) x (tries - 1), as the field has it: its first delay
    is 0.
    """
    if retry.max_attempts is not None and tries >= retry.max_attempts:
        return None
    due = at + _delay(retry, tries, chance)
    if retry.max_duration is not None and due > first_start + retry.max_duration:
        return None
    return due


def _delay(retry: RetrySpec, tries: int, chance: float) -> timedelta:
    match retry.kind:
        case RetryKind.CONSTANT:
            return retry.interval
        case RetryKind.EXPONENTIAL:
            delay = retry.interval * int(retry.delay_factor) * (tries - 1)
            return min(delay, retry.max_interval) if retry.max_interval is not None else delay
        case RetryKind.RANDOM:
            longest = retry.max_interval if retry.max_interval is not None else retry.interval
            return retry.interval + (longest - retry.interval) * chance
