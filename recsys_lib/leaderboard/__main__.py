"""``python -m recsys_lib.leaderboard``: see ``recsys_lib.leaderboard.command``."""

import sys

from recsys_lib.leaderboard.command import main

if __name__ == "__main__":
    sys.exit(main())
