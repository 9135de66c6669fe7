"""Random small rulesets and policies: what the compiler makes of them, and whether the kernel agrees."""
