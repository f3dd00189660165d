"""The script that ``heresy run`` hands to the interpreter: ``python _boot.py JSON ARGS…``.

Its frame is the only one below the program's. All that is to be done before has returned when the program starts.
"""

import os
import sys

_start_folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if sys.flags.safe_path:
    sys.path.insert(0, _start_folder)  # there is no folder of the script's to be replaced
else:
    sys.path[0] = _start_folder
from heresy import _start  # noqa: E402

_run, _arguments = _start.prepare()
_error = None
try:
    _run(*_arguments)
except BaseException as _raised:
    _error = _raised
if _error is not None:
    _start.failed(_error)
