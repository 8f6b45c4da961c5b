"""Start the web server: pages, API and sockets on one port."""

import argparse
import os

import uvicorn
from django.conf import settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `portico web` understands."""
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORTICO_PORT") or 8080), help="default 8080")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default 127.0.0.1")
    parser.add_argument("--processes", type=int, default=settings.WEB_PROCESSES, help="default $PORTICO_WEB_PROCESSES")


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    uvicorn.run(
        "config.asgi:application",
        host=arguments.host,
        port=arguments.port,
        workers=arguments.processes,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=30,
        proxy_headers=bool(settings.TRUSTED_PROXIES),
        forwarded_allow_ips=settings.TRUSTED_PROXIES,
        ws_max_size=64 * 1024,
    )
    return 0
