"""How `retry:` of a flow or task is read."""

from datetime import timedelta

from orchestrator.core.durations import write_duration
from orchestrator.core.sentences import say
from orchestrator.core.spec import RetryBehavior, RetryKind, RetrySpec
from orchestrator.core.yaml_fields import Fields

_COMMON = ("type", "maxAttempt", "maxAttempts", "maxDuration", "warningOnRetry", "behavior")
_OWN = {
    RetryKind.CONSTANT: ("interval",),
    RetryKind.EXPONENTIAL: ("interval", "maxInterval", "delayFactor"),
    RetryKind.RANDOM: ("minInterval", "maxInterval"),
}
# one duration must stay below the other, where both are given
_BELOW = {
    RetryKind.CONSTANT: (("interval", "maxDuration"),),
    RetryKind.EXPONENTIAL: (("interval", "maxDuration"), ("interval", "maxInterval"), ("maxInterval", "maxDuration")),
    RetryKind.RANDOM: (("minInterval", "maxDuration"), ("minInterval", "maxInterval"), ("maxInterval", "maxDuration")),
}


def read_retry(parent: Fields) -> RetrySpec | None:
    """Return the `retry` of a map, or None when it has none or its kind is not known."""
    value = parent.values.get("retry")
    if value is None:
        return None
    fields = parent.reading.fields(value, parent.at("retry"), "`retry`")
    if not fields.values:
        return None
    if not fields.needed("type"):
        return None
    chosen = fields.choice("type", list(RetryKind))
    if chosen is None:
        return None
    kind = RetryKind(chosen)
    fields.refuse_unknown((*_COMMON, *_OWN[kind]))
    lengths = {key: fields.duration(key) for key in ("interval", "minInterval", "maxInterval", "maxDuration")}
    for key in _OWN[kind]:
        if key != "delayFactor" and fields.values.get(key) is None:
            fields.reading.problem(fields.path, say("`%(key)s` is missing.", key=key))
    _compare(fields, kind, lengths)
    attempts = fields.whole("maxAttempts", least=1)
    attempts = fields.whole("maxAttempt", least=1) if attempts is None else attempts
    factor = fields.number("delayFactor")
    behavior = fields.choice("behavior", list(RetryBehavior))
    first = lengths["minInterval"] if kind is RetryKind.RANDOM else lengths["interval"]
    return RetrySpec(
        kind,
        interval=first or timedelta(0),
        max_interval=lengths["maxInterval"],
        delay_factor=2.0 if factor is None else factor,
        max_attempts=attempts,
        max_duration=lengths["maxDuration"],
        warning_on_retry=fields.flag("warningOnRetry"),
        behavior=RetryBehavior(behavior) if behavior else RetryBehavior.RETRY_FAILED_TASK,
    )


def _compare(fields: Fields, kind: RetryKind, lengths: dict[str, timedelta | None]) -> None:
    for small, large in _BELOW[kind]:
        shorter, longer = lengths[small], lengths[large]
        if shorter is not None and longer is not None and shorter >= longer:
            message = say(
                "`%(small)s` must be less than `%(large)s`, but is %(length)s.",
                small=small,
                large=large,
                length=write_duration(shorter),
            )
            fields.problem(small, message)
    for key, length in lengths.items():
        if length is not None and length < timedelta(0):
            fields.problem(key, say("`%(key)s` must not be negative.", key=key))
