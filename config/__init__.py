"""The composition root: settings, addresses, processes. It imports every room, and no room imports it.

settings.py    read once from the environment (env.py, urls_of_servers.py, logging.py)
urls.py        all addresses        health.py   can it serve      styleguide.py   every component on a page
assets.py      template tags of the front end                browser_texts.py  the sentences that TypeScript shows
languages.py   gathers and compiles locale/                  management/       commands that build
asgi.py        one port (doorway.py): short requests in threads (wsgi.py, wsgi_threads.py), the rest waits or streams
celery.py      the workers' broker, which holds no work
cli/           the `portico` command                         supervisor.py, processes.py   its parts as one
embedded/      the PostgreSQL and the Valkey that come along
"""
