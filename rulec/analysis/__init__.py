"""Facts about a ruleset, computed once and used by all who need them."""
