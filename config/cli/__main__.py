"""Lets parts be started as `python -m config.cli SUBCOMMAND`, wherever the `portico` script lies."""

import sys

from config.cli import main

sys.exit(main())
