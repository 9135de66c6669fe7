"""``python -m rulec``."""

from rulec.cli import run

run()
