"""The target extensions, one file each."""
