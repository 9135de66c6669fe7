"""Text to model and back: words, grammar, lines, whole rulesets."""
