"""Forks one life of a program for each line it reads: see `lives`.

    python life_server.py [ …/heresy/_boot.py ]

A line is ``[launch or null, script, folder]`` in JSON; the answer is the status that `os.waitpid` gives. What the life prints
is in the files ``.heresy-out`` and ``.heresy-err`` of the folder. The lives of one script follow each other: it is compiled,
and read for a stop, once for all of them.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import sys
import warnings

#: What a life would import, for a stop or a resume.
NEEDED = (
    "ast", "collections", "copy", "functools", "hashlib", "hmac", "inspect", "io", "marshal", "opcode", "pickle", "re",
    "threading", "traceback", "types",
)  # fmt: skip
#: Seconds of processor time for one life of a program.
LIMIT = 10
#: Where a life notes which modules it had to read, in its folder.
NOTES = ".heresy-read"


def import_runtime(boot):
    """Its modules keep nothing of a program's before one is started."""
    for name in NEEDED:
        importlib.import_module(name)
    folder = os.path.dirname(boot)
    sys.path.insert(0, os.path.dirname(folder))
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py") and name not in ("__init__.py", "__main__.py", "_boot.py", "_standalone.py"):
            importlib.import_module("heresy." + name[:-3])
    for name in sorted(os.listdir(os.path.join(folder, "state"))):
        if name.endswith(".py"):
            importlib.import_module("heresy.state." + name[:-3])
    del sys.path[0]


class Read:
    """Modules that are read before the lives that run them are forked: a script, and what its lives have read of the library.

    Attributes:
        script: its path and the digest of its text.
        units: the run forms, by name of the module.
        programs: the same modules, read for a stop or a resume.
    """

    def __init__(self, launch):
        from heresy import _launch, _start

        self.script = launch["source"], launch["sha256"]
        self.how = _launch.Launch(launch, [], [])
        self.units = {}
        self.programs = {}
        self._read("__main__", lambda units: _start.main_unit(self.how, units))

    def add_library(self, name, path):
        """Reads a module that a life had to read."""
        from heresy import _units

        with open(path, "rb") as file:
            data = file.read()
        self._read(name, lambda units: _units.load(units, name, path, data, library=True))

    def _read(self, name, load):
        from heresy import _errors, _program, _start, _units

        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                unit = load(_units.Units(_start.store(self.how)))
                program = _program.Program(unit)
            except (_errors.HeresyError, OSError):
                return
        if not warned:  # what the compiler warns of, each life is to say
            self.units[name], self.programs[name] = unit, program

    def use(self):
        """Has this life find what was read, and note in a file what it reads itself."""
        from heresy import _hook, _program, _start

        if "__main__" in self.units:
            _start.main_unit = lambda how, units: self.units["__main__"]
        load, program = _hook.load, _program.Program

        def load_known(units, name, path, data, *, library=False, **others):
            known = self.units.get(name) if library else None
            return known or load(units, name, path, data, library=library, **others)

        def program_known(unit):
            if self.units.get(unit.name) is unit:
                return self.programs[unit.name]
            if unit.library:
                with open(NOTES, "a") as file:
                    print(json.dumps([unit.name, unit.path]), file=file)
            return program(unit)

        _hook.load = load_known
        _program.Program = program_known

    def learn(self, folder):
        """Reads what a life has noted."""
        try:
            with open(os.path.join(folder, NOTES)) as file:
                notes = [json.loads(line) for line in file]
            os.unlink(os.path.join(folder, NOTES))
        except FileNotFoundError:
            return
        for name, path in notes:
            if name not in self.units:
                self.add_library(name, path)


def forget(names):
    """Spares a life to clear the modules that it was forked with at its end: each page of them would be copied for that."""
    for name in names:
        if name not in ("sys", "builtins", "__main__"):
            sys.modules.pop(name, None)


def serve(boot):
    """Returns in each child that has a launch to run, with the boot script's code; without a boot script, none has."""
    code = None
    if boot is not None:
        import_runtime(boot)
        with open(boot, encoding="utf-8") as file:
            code = compile(file.read(), boot, "exec")
    own = sys.modules["__main__"]
    c = ctypes.CDLL(None)
    c.fopen.restype = ctypes.c_void_p
    run = ctypes.pythonapi.PyRun_SimpleFileExFlags
    run.argtypes = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p
    # What is there stays: no life looks through it for garbage, and none takes it apart at its end. A life is so short
    # that its own garbage can wait for that.
    kept = [own, *(dict(vars(module)) for module in sys.modules.values())]
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
    gc.collect()
    gc.freeze()
    gc.disable()
    atexit.register(forget, list(sys.modules))
    read = None
    for line in iter(sys.stdin.readline, ""):
        launch, script, folder = json.loads(line)
        if launch is not None:
            words = json.loads(launch)
            if read is None or read.script != (words["source"], words["sha256"]):
                read = None
                gc.collect()
                read = Read(words)
        child = os.fork()
        if not child:
            break
        # A life that waits for ever is ended; the alarm may not be its own, which would be saved with it.
        signal.signal(signal.SIGALRM, lambda *_, child=child: os.kill(child, signal.SIGALRM))
        signal.alarm(20 * LIMIT)
        status = os.waitpid(child, 0)[1]
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        if launch is not None:
            read.learn(folder)
        print(status, flush=True)
    else:
        os._exit(0)
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 1))
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, name, flags in (0, os.devnull, os.O_RDONLY), (1, ".heresy-out", writing), (2, ".heresy-err", writing):
        handle = os.open(name, flags, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    if launch is None:
        sys.argv = [script]
        sys.path[0] = os.path.dirname(script)
        sys.modules["__main__"] = type(sys)("__main__")
        sys.modules["__main__"].__builtins__ = __builtins__
        sys.exit(-run(c.fopen(script.encode(), b"rb"), script.encode(), 1, None))
    read.use()
    sys.argv = [boot, launch]
    sys.path[0] = os.path.dirname(boot)
    return code, boot


code, boot = serve(next(iter(sys.argv[1:]), None))
exec(code, {"__name__": "__main__", "__file__": boot, "__builtins__": __builtins__})
