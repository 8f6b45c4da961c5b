"""The short requests' side of Django; config.asgi runs it in threads, and any WSGI server may run it alone."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("PORTICO_PROCESS", "web")

application = get_wsgi_application()
