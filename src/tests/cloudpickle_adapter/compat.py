"""`pickle`, with the adapter's `loads`."""

from __future__ import annotations

import pickle as _plain
import types
from typing import Any

from . import load, loads

pickle: Any = types.ModuleType("pickle", _plain.__doc__)
vars(pickle).update({**vars(_plain), "load": load, "loads": loads})
