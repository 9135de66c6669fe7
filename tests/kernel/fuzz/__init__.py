"""Random rulesets and random packets: what the packet sets foretell against what a real kernel counts."""
