"""Who might be who: proposals with evidence. docs/matching.md says how it decides, and what it does not do."""
