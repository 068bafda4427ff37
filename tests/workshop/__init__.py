"""The scripts: their modules are imported as the scripts import them."""

import sys

from tests import SCRIPTS

sys.path.insert(0, str(SCRIPTS))
