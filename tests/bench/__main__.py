"""``python -m tests.bench`` is what ``make bench`` runs."""

import sys

from tests.bench.run import main

sys.exit(main(sys.argv[1:]))
