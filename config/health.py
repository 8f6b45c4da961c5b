"""Is this process able to serve? For load balancers and for `portico up`; people ask `portico doctor`."""

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe


@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers (Redis only delays work), else 503."""
    database = _database_answers()
    facts = {"status": "ok" if database else "unavailable", "database": database, "redis": _redis_answers()}
    answer = JsonResponse(facts, status=200 if database else 503)
    answer["Cache-Control"] = "no-store"
    return answer


health.action = "public"  # type: ignore[attr-defined]  # read by the test that every door declares itself


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def _redis_answers() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.3, socket_connect_timeout=0.3) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
