"""Management commands of the composition root: build_frontend."""
