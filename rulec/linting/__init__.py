"""A run of rulec lint: the files and their settings, fixes, and what is known already."""
