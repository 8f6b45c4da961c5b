"""The rule itself, pure: which actions exist, what a place covers, who may do what."""
