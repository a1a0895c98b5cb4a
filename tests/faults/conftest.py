"""Lets the fault tests import the makers that they share with the tests one folder up."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
