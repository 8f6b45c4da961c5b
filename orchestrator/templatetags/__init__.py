"""Template tags of the engineers' pages."""
