"""Forms of calls, requests to groups, and their settings."""
