"""Names of the scope that functions read and templates cannot: they are no identifiers, and no output shows them."""

AT = "$at"  # aware datetime: what `now()` says
ZONE = "$zone"  # name of the zone that dates without one are in; UTC when absent
RANDOM = "$random"  # a `random.Random`, for tests; `secrets` when absent
