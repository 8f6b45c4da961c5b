"""The portal's pure part: standard library, yaml and the expression language only."""
