"""The running machine: what its kernel does with a ruleset."""
