"""Questions about rulesets: what becomes of one packet, and in which packets two rulesets differ."""
