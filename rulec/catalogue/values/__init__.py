"""Kinds of arguments that several extensions share."""
