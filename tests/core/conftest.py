"""Property tests of the core: no deadline on one example, because the machine may be busy with other things.

`PORTICO_EXAMPLES` sets how many examples each property test tries (100 when it is not given).
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "core",
    deadline=None,
    max_examples=int(os.environ.get("PORTICO_EXAMPLES", "100")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("core")
