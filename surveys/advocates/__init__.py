"""Customers who praise us or help others: found, asked, thanked. docs/recognition.md tells how.

`finding` looks for candidates, `moving` is what becomes of them, `writing` sends an invitation or thanks, of which
`letters` has the words.
"""
