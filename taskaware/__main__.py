"""`python -m taskaware` is the command line."""

import sys

from taskaware.cli import main

if __name__ == "__main__":
    sys.exit(main())
