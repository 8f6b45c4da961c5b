"""Settings, read once from the environment; a bad value stops the start with a sentence.

docs/reference/settings.md has a line for each name.
"""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.env import env_bool, env_int, env_text, secret_key
from config.logging import logging_settings
from config.urls_of_servers import database_from_url, mail_from_url

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env_text("PORTICO_DATA", str(BASE_DIR / "var")))

DEBUG = env_bool("PORTICO_DEBUG", default=False)
SECRET_KEY = secret_key(DATA_DIR)
PUBLIC_URL = env_text("PORTICO_PUBLIC_URL", "http://127.0.0.1:8080").rstrip("/")
ALLOWED_HOSTS = [host for host in env_text("PORTICO_HOSTS", "127.0.0.1,localhost,[::1],testserver").split(",") if host]
ALLOWED_HOSTS += [host for host in [urlsplit(PUBLIC_URL).hostname] if host and host not in ALLOWED_HOSTS]
# addresses of reverse proxies whose X-Forwarded-For and -Proto are believed, separated by commas
TRUSTED_PROXIES = env_text("PORTICO_TRUSTED_PROXIES", "")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# The set-up page's one-time token: unset it is made from the secret key; set to nothing, none is asked (for tests)
SETUP_TOKEN = os.environ.get("PORTICO_SETUP_TOKEN")

# Which database role this process takes (permissions.md, "Walls behind the wall"): owner migrates, web is walled in,
# engine crosses tenants.
PROCESS = env_text("PORTICO_PROCESS", "owner")
if PROCESS not in {"owner", "web", "engine"}:
    raise ImproperlyConfigured(f"PORTICO_PROCESS is {PROCESS!r}; it must be owner, web or engine")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "guardian",
    "rest_framework",
    "django_htmx",
    "tenants",
    "orchestrator",
    "apps_portal",
    "config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tenants.web.middleware.TenantMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "tenants.web.shell.shell",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "config.assets", "tenants.web.tags"],
        },
    },
]

DATABASES = {
    "default": database_from_url(env_text("DATABASE_URL", "postgresql://127.0.0.1:5432/portico"), PROCESS),
}
REDIS_URL = env_text("REDIS_URL", "redis://127.0.0.1:6379/0")
STORAGE_URL = env_text("STORAGE_URL", f"file://{DATA_DIR}/storage")

SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # an e-mail is unique among the living (a partial index)
    "guardian.W001",  # its rows are read with our own query, not through a backend
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["tenants.sign_in.EmailBackend"]
LOGIN_URL = "/sign-in"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None
GUARDIAN_GROUP_OBJ_PERMS_MODEL = "apps_portal.AppGroupPermission"
GUARDIAN_USER_OBJ_PERMS_MODEL = "apps_portal.AppUserPermission"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = None  # served from where they are (WHITENOISE_USE_FINDERS); nothing is collected
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_IMMUTABLE_FILE_TEST = r"^.+-[A-Z0-9]{8}\..+$"
ASSETS_REQUIRED = env_bool("ASSETS_REQUIRED", default="pytest" not in sys.modules)

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_AGE = 12 * 3600
CSRF_FAILURE_VIEW = "tenants.web.errors.csrf_failed"
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
}

UPLOAD_LIMIT = env_int("PORTICO_UPLOAD_LIMIT", 100 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000

EMAIL = mail_from_url(env_text("EMAIL_URL", ""))
EMAIL_BACKEND = EMAIL["backend"]
EMAIL_HOST = EMAIL["host"]
EMAIL_PORT = EMAIL["port"]
EMAIL_HOST_USER = EMAIL["user"]
EMAIL_HOST_PASSWORD = EMAIL["password"]
EMAIL_USE_TLS = EMAIL["tls"]
DEFAULT_FROM_EMAIL = env_text("PORTICO_MAIL_FROM", "portico@localhost")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tenants.api.authentication.TokenAuthentication",
        "tenants.api.authentication.CookieAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.api.authentication.DeclaredAction"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "tenants.api.errors.answer",
    "UNAUTHENTICATED_USER": None,
}

# Workers (reliability.md, "Protocol")
WORKER_CONCURRENCY = env_int("PORTICO_WORKERS", 4)
LEASE_SECONDS = env_int("PORTICO_LEASE_SECONDS", 20)
WORKER_QUEUES = env_text("PORTICO_QUEUES", "default").split(",")
ISOLATION = env_text("PORTICO_ISOLATION", "auto")
PRIVATE_NETWORKS = [network for network in env_text("PORTICO_PRIVATE_NETWORKS", "").split(",") if network]
MAX_CRASHES = env_int("PORTICO_MAX_CRASHES", 3)

# The web server (reliability.md 12): short requests share WEB_THREADS threads, each with its database connection;
# more than WEB_QUEUE waiting ones are refused
WEB_THREADS = env_int("PORTICO_WEB_THREADS", 8)
WEB_QUEUE = env_int("PORTICO_WEB_QUEUE", 256)
WEB_PROCESSES = env_int("PORTICO_WEB_PROCESSES", 1)

LOGGING = logging_settings(
    PROCESS,
    env_text("PORTICO_LOG_LEVEL", "INFO").upper(),
    as_json=env_text("PORTICO_LOG", "text") == "json",
)
