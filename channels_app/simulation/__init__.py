"""A little network of its own: customers of a fictional airline and railway, Skylark, who post, answer and get angry.

Nothing here knows Hark. The world lives behind an HTTP server on a unix socket (`server.py`), and Hark talks to it
through `channels_app.platforms.simulator` like to any network. Every chance is drawn from the seed, so that a demo
and a test can repeat a day exactly.
"""
