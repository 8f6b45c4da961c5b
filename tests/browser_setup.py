"""Make sure that Chromium is on this machine, for the tests that drive a browser: `python -m tests.browser_setup`."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
APT = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-qq"]


def browser() -> str | None:
    """Return the path of an installed Chromium or Chrome."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def main() -> int:
    """Install Chromium as root, else say how."""
    if browser():
        return 0
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print("The browser tests need Chromium. Install it (Debian: sudo apt-get install chromium), then start again.")
        return 1
    print("Installing Chromium for the browser tests (once) ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        done = subprocess.run([*APT, *words], env=environment, stdout=subprocess.DEVNULL, check=False, timeout=900)
        if done.returncode:
            print(f"apt-get {words[0]} failed; install Chromium yourself, then start again.")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
