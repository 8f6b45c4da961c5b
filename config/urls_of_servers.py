"""Turn the URLs of PostgreSQL and of the mail server into Django's settings."""

from typing import Any, TypedDict
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

ROLE_OF_PROCESS = {"web": "portico_web", "engine": "portico_engine"}
# The engine sends the same few statements again and again, each made for an index: plan them once, and never by a look
# at tables that were empty when they were last measured.
PLANNING = {"web": "-c jit=off", "engine": "-c jit=off -c enable_seqscan=off -c plan_cache_mode=force_generic_plan"}
PREPARE_AFTER = 3  # times that the engine sends a statement before the server keeps its plan


def database_from_url(url: str, process: str) -> dict[str, Any]:
    """Return Django's settings for a `postgresql://` URL; `process` (owner, web, engine) chooses the role taken.

    A `host` in the query is the folder of a unix socket, as libpq has it.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured(f"DATABASE_URL must begin with postgresql://, not {parts.scheme}://")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    # values travel apart from the statement, so that PostgreSQL keeps its plans and nothing is quoted here
    options: dict[str, Any] = {"connect_timeout": 5, "server_side_binding": True}
    role = ROLE_OF_PROCESS.get(process)
    if role:
        options["options"] = f"-c role={role} {PLANNING[process]}"
    if process == "engine":
        options["prepare_threshold"] = PREPARE_AFTER
    if "sslmode" in query:
        options["sslmode"] = query["sslmode"]
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host") or parts.hostname or "",
        "PORT": str(parts.port or query.get("port", "")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": options,
    }


class Mail(TypedDict):
    """What Django needs to send mail."""

    backend: str
    host: str
    port: int
    user: str
    password: str
    tls: bool


def mail_from_url(url: str) -> Mail:
    """Return the mail settings for `smtp://user:password@host:587?tls=1`; an empty URL sends nothing."""
    if not url:
        return Mail(
            backend="django.core.mail.backends.dummy.EmailBackend", host="", port=0, user="", password="", tls=False
        )
    parts = urlsplit(url)
    if parts.scheme == "console":
        return Mail(
            backend="django.core.mail.backends.console.EmailBackend", host="", port=0, user="", password="", tls=False
        )
    if parts.scheme != "smtp":
        raise ImproperlyConfigured(f"EMAIL_URL must begin with smtp://, not {parts.scheme}://")
    return Mail(
        backend="django.core.mail.backends.smtp.EmailBackend",
        host=parts.hostname or "localhost",
        port=parts.port or 587,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls="tls=1" in parts.query,
    )
