"""Rulesets taken into service: what is there is saved, and comes back unless somebody confirms the new."""
