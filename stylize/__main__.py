"""``python -m stylize``."""

import sys

from stylize.cli import main

if __name__ == "__main__":
    sys.exit(main())
