"""The door for other systems: typed records in and out, by token. config/api.py puts the routers of all apps together.

Every endpoint is a function view of ours with three additions: `auth=Token(scope, roles)` says who may enter, the
schemas say what goes in and comes out, and `@once` on writes keeps a repeated request from being done twice.
"""
