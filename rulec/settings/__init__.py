"""The configuration of rulec itself: rulec.toml, what it says, and for which files."""
