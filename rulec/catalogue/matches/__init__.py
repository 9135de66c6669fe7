"""The matches, one file each."""
