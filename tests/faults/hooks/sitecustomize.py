"""Loaded by Python itself in the processes that a fault test starts: edits our modules' text as they are imported.

That is how a test puts a failpoint into a process or takes a guard out of it (a mutant); the product has no switch for
either. PORTICO_TEST_EDITS names a JSON file: {module: [[old text, new text], ...]}. Text that is not found ends the
process, so that a mutant which no longer applies is noticed.
"""

import importlib.abc
import importlib.machinery
import json
import os
import sys

NOT_FOUND = 97


class Edited(importlib.machinery.SourceFileLoader):
    """Compiles a module from its edited text; never from or to a cache."""

    edits = ()

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        text = self.get_data(path).decode()
        for old, new in self.edits:
            if old not in text:
                os.write(2, f"sitecustomize: {fullname} does not hold {old!r}\n".encode())
                os._exit(NOT_FOUND)
            text = text.replace(old, new)
        return compile(text, path, "exec", dont_inherit=True)


class Finder(importlib.abc.MetaPathFinder):
    """Gives edited modules their loader."""

    def __init__(self, edits):
        self.edits = edits

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in self.edits:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        spec.loader = Edited(fullname, spec.origin)
        spec.loader.edits = self.edits[fullname]
        return spec


if os.environ.get("PORTICO_TEST_EDITS"):
    with open(os.environ["PORTICO_TEST_EDITS"], encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs every start
        sys.meta_path.insert(0, Finder(json.load(file)))
