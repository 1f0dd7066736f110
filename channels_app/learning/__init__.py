"""Learning to read: what people put right, the words they add, models fitted on both, and old messages read anew.

The reading itself is pure (`channels_app/reading/`); here stands what is stored of it. See docs/learning.md.
"""
