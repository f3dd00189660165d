"""The script that ``heresy run`` hands to the interpreter: ``python _boot.py JSON ARGS…``.

Its frame is the only one below the program's. All that is to be done before has returned when the program starts.
"""

import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
from heresy import _start  # noqa: E402

_code, _namespace = _start.prepare(sys._getframe().f_code)
try:
    exec(_code, _namespace)
except BaseException as _error:
    _start.failed(_error)
    raise
