"""The checks: each says one thing about a ruleset."""
