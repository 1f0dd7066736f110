"""Calls, requests to groups, loops, and what is made of them."""
