"""``python -m siperb``: the command line."""

import sys

from siperb.cli import main

sys.exit(main())
