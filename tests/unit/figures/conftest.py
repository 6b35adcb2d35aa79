"""Makes the tables of `figure_tables` importable from this folder's tests, as pytest's importlib mode does not."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
