"""Environment variables with types; a wrong one stops the start and says what would be right.

A name ending in `_FILE` beside it may hold the path of a file with the value, so that secrets need not stand in the
environment.
"""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def env_text(name: str, default: str) -> str:
    """Return the value of `name`, or of the file named by `name`_FILE, or `default`."""
    file = os.environ.get(f"{name}_FILE")
    if file:
        return Path(file).read_text(encoding="utf-8").strip()
    return os.environ.get(name) or default


def env_int(name: str, default: int) -> int:
    """Return `name` as a whole number."""
    text = env_text(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be a whole number") from None


def env_bool(name: str, *, default: bool) -> bool:
    """Return `name` as yes or no (1 0 true false yes no on off)."""
    text = env_text(name, "1" if default else "0").lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {text!r}; it must be yes or no")


def secret_key(data_dir: Path) -> str:
    """Return PORTICO_SECRET_KEY, else a key that is made once and kept in the data folder (mode 0600)."""
    given = env_text("PORTICO_SECRET_KEY", "")
    if given:
        return given
    file = data_dir / "secret-key"
    if not file.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(48))
    return file.read_text(encoding="utf-8").strip()
