"""The script that ``heresy run`` hands to the interpreter: ``python _boot.py JSON ARGS…``.

Without any words it compiles some of the runtime, for another interpreter that is just starting: see `_bundle`.

Its frame is the only one below the program's. All that is to be done before has returned when the program starts.
"""

import os
import sys

_folder = os.path.dirname(os.path.abspath(__file__))
_start_folder = os.path.dirname(_folder)
if sys.flags.safe_path:
    sys.path.insert(0, _start_folder)  # there is no folder of the script's to be replaced
else:
    sys.path[0] = _start_folder


def _use_bundles():
    # See `_bundle`, which is in there itself.
    import _frozen_importlib_external as _external
    import _imp
    import marshal

    path = os.path.join(_start_folder, "bundles", f"{sys.implementation.cache_tag}-O{sys.flags.optimize}")
    name, module, codes = "heresy._bundle", type(sys)("heresy._bundle"), {}
    module.__file__ = os.path.join(_folder, "_bundle.py")
    try:
        with open(path + ".start", "rb") as file:
            data = file.read()
        if _imp.source_hash(int.from_bytes(_external.MAGIC_NUMBER, "little"), data[8:]) == data[:8]:
            codes = marshal.loads(data[8:])
    except OSError:
        if not os.path.isdir(os.path.dirname(path)):
            return
    if name in codes:
        code = marshal.loads(codes[name])
    else:
        with open(module.__file__, encoding="utf-8") as file:
            # Its annotations are not evaluated: see `_bundle`.
            code = compile(file.read(), module.__file__, "exec", 0x1000000)
    exec(code, module.__dict__)
    sys.modules[name] = module
    module.install(_folder, path, codes, code)
    if len(sys.argv) < 2:
        module.finder().compile_for_another()
    elif another := os.environ.pop("HERESY_COMPILING", None):
        module.finder().compile_with(another)


_use_bundles()
from heresy import _at_rest, _bundle, _start  # noqa: E402

_run, _arguments = _start.prepare()
_at_rest.let_go()
del _at_rest, _start, _use_bundles
_error = None
try:
    _run(*_arguments)
except BaseException as _raised:
    _error = _raised
# What is left of the program is taken apart as by plain Python, with its globals: see `Stopper.ended`.
del _run, _arguments
if _error is not None:
    _bundle.wake("heresy._failed").failed(_error)
