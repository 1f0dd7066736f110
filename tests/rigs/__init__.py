"""Tests against servers that others wrote, started here on free loopback ports: a rig for each.

They run with `bin/test --rigs` (all) or `bin/test --rigs snac,mail`; `bin/rigs` puts there what they need. Elsewhere
they are not collected. A rig that does not start fails its tests; none is skipped.
"""
