"""``python -m rulec.cli``."""

from rulec.cli import run

run()
