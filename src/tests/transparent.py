"""Never stopped, a program behaves as the original.

    python transparent.py --heresy target/debug/heresy --python python3.13 [NAME…]

Small programs, each asking for one thing that an interpreter shows of itself or of the program, are run by `python
NAME.py` and by `heresy run NAME.py`. Standard output, standard error and the exit status must be equal, byte by byte.

What is known to differ is not asked for: ``sys.modules`` holds the runtime; the frame below the program's takes a little of
the recursion limit; a file that Python rejects is rejected by heresy, in its own words.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

TIMEOUT = 60

PROGRAMS = {
    "arguments": 'import sys\nprint(sys.argv, __file__, __name__, sys.path[0], sys.flags.hash_randomization, sys.flags.optimize)\n',
    "environment": 'import os\nprint(sorted(name for name in os.environ if name not in ("_", "LC_CTYPE")), os.environ.get("PYTHONHASHSEED"))\n',
    "globals": 'import sys, __main__\nprint(list(globals()), __main__ is sys.modules["__main__"], vars(__main__) is globals())\nprint(type(__loader__), __spec__, __doc__, __package__, __builtins__)\n',
    "documented": '"""What it is."""\nfrom __future__ import annotations\nprint(__doc__, annotations.compiler_flag)\ndef f(x: int) -> str: ...\nnames = list(globals())\nprint(names, f.__annotations__)\n',
    "signals": 'import signal\nprint([signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGHUP)], signal.pthread_sigmask(signal.SIG_BLOCK, ()))\n',
    "tracing": 'import sys\nprint(sys.gettrace(), sys.getprofile(), sys.excepthook is sys.__excepthook__)\n',
    "exit status": 'import sys\ndef leave(n):\n    sys.exit(n)\nleave(7)\n',
    "exit message": 'import sys\ndef leave():\n    try:\n        sys.exit("too bad: " + "é")\n    finally:\n        print("left")\nleave()\n',
    "exit none": 'raise SystemExit\n',
    "exit object": 'raise SystemExit([1, 2])\n',
    "exit hard": 'import os\nprint("not flushed")\nos._exit(3)\n',
    "exit order": 'import atexit\nclass A:\n    def __init__(self, n): self.n = n\n    def __del__(self): print("del", self.n)\na = A("global")\natexit.register(print, "first")\natexit.register(print, "second")\ndef f():\n    b = A("local")\n    f.c = A("attribute")\nf()\nprint("end")\n',
    "left at the end": 'import contextlib\nNAME = "x"\n@contextlib.contextmanager\ndef lock():\n    print("locked")\n    try: yield\n    finally: print("unlocked", NAME)\ndef reader():\n    with lock():\n        yield 1\n        yield 2\nr = reader()\nprint(next(r))\nclass D:\n    def __init__(self, n): self.n = n\n    def __del__(self): print("del", self.n, NAME)\na=D(1); z=[D(2)]; b=D(3); a.other=b\ndef helper(): print("helper", NAME)\ndef g2():\n    try: yield 1\n    finally: helper()\nq = g2(); next(q)\nimport atexit\natexit.register(helper)\n',
    "atexit fails": 'import atexit\n@atexit.register\ndef f():\n    return 1 / 0\n',
    "keyboard interrupt": 'def f():\n    raise KeyboardInterrupt\nf()\n',
    "traceback of an interrupt": 'import os, signal, traceback\ndef f():\n    os.kill(os.getpid(), signal.SIGINT)\n    return 1\ntry:\n    f()\nexcept KeyboardInterrupt:\n    print(traceback.format_exc())\nf()\n',
    "interrupted by itself": 'import os, signal, time\nsignal.signal(signal.SIGINT, lambda *_: print("caught"))\nos.kill(os.getpid(), signal.SIGINT)\nprint("on")\nsignal.signal(signal.SIGINT, signal.default_int_handler)\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(5)\nexcept KeyboardInterrupt:\n    print("as asked")\n',
    "terminated": 'import os, signal, time\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(5)\n',
    "uncaught": 'def f(x):\n    return len(str(x)) + g(x * 2, key=str(x)) - len(x)\ndef g(x, key):\n    return x / int(key)\nclass C:\n    def __init__(self, x):\n        self.x = f(x) + f(x)\nfor i in [C(k) for k in (1, 0)]:\n    print(i)\n',
    "names while calls run": 'import sys\ndef names(): return sorted(sys._getframe(1).f_locals)\ndef f(a, b=2):\n    for x in [a, b]:\n        with open(__file__) as file:\n            try:\n                1 / 0\n            except ZeroDivisionError:\n                print([names(), len(names()) + len(names())], sorted(locals()), dir() + dir(), sorted(vars().keys() | names()))\nf(1)\nclass C:\n    a = names() + names()\n    print(sorted(vars()))\nprint(C.a, sorted(globals()), dir())\n',
    "uncaught in an operand": 'def one(): return 1\ndef bad(): raise ValueError("é\\n2")\ndef g(x):\n    return (one() + one()) * (one() - bad()) ** one()\nd = {"k": [1, 2]}\ntry:\n    d["k"][one()] += g(one())\nfinally:\n    d["k"][one()] += d["none"][one()]\n',
    "uncaught chain": 'class Own(Exception):\n    """Mine."""\ndef f():\n    try:\n        open("/no/such")\n    except OSError:\n        try:\n            {}["x"]\n        except KeyError as e:\n            raise Own("a", 1) from e\nf()\n',
    "uncaught notes": 'def f():\n    try:\n        raise ValueError(1)\n    except ValueError as e:\n        e.add_note("a note")\n        raise\nf()\n',
    "uncaught group": 'def f():\n    try:\n        raise ExceptionGroup("several", [ValueError(1), TypeError(2)])\n    except* ValueError:\n        print("value")\nf()\n',
    "uncaught in lines": 'def f(a,\n      b):\n    return (a\n            + len(b)\n            + undefined(\n                a,\n                b))\n\nf(1,\n  [2,\n   3])\n',
    "uncaught in with": 'from contextlib import contextmanager\n@contextmanager\ndef m(x):\n    try:\n        yield x\n    finally:\n        print("out", x)\ndef f():\n    with m(1) as a, m(a + 1) as b:\n        for i in range(a, b + 1):\n            assert i < b, f"{i} of {b}"\nf()\n',
    "uncaught name": 'total = 1\nprint(totl)\n',
    "uncaught unbound": 'def f():\n    if f is None:\n        x = 1\n    print(x + len(x))\nf()\n',
    "uncaught recursion": 'import sys\ndef f(n):\n    return f(n + 1) + 1\nsys.tracebacklimit = 3\nf(0)\n',
    "loops left by an exception": 'def gen(n):\n    try:\n        yield n\n        yield n\n    finally:\n        print("dropped", n)\ndef f(n):\n    for x in gen(n):\n        for y in gen(n + 1):\n            try:\n                for z in gen(n + 2):\n                    raise ValueError(x + y + z)\n            finally:\n                print("finally", n)\nfor n in (1, 4):\n    try:\n        f(n)\n    except ValueError as e:\n        print(e, e.__traceback__.tb_next.tb_lineno, e.__traceback__.tb_next.tb_frame.f_lineno)\nf(7)\n',
    "children ended at once": 'import os, signal\nsignal.alarm(30)\nstatuses = set()\nfor n in range(300):\n    pid = os.fork()\n    if not pid:\n        signal.pause()\n        os._exit(1)\n    os.kill(pid, signal.SIGTERM)\n    statuses.add(os.waitpid(pid, 0)[1])\nprint(statuses, signal.pthread_sigmask(signal.SIG_BLOCK, ()))\n',
    "excepthook": 'import sys\ndef hook(kind, value, traceback):\n    print(kind, value, traceback.tb_frame.f_code.co_name, traceback.tb_lineno, traceback.tb_next)\nsys.excepthook = hook\n1 / 0\n',
    "excepthook fails": 'import sys\ndef hook(kind, value, traceback):\n    raise TypeError("bad hook")\nsys.excepthook = hook\n1 / 0\n',
    "unraisable": 'class A:\n    def __del__(self):\n        raise ValueError("in del")\ndef f():\n    a = A()\nf()\n',
    "syntax warning": 'x = 1\nprint("once")\nif x is 1:\n    print("is")\nassert (x, "always")\n',
    "syntax warning as an error": 'import warnings\nwarnings.simplefilter("error")\nexec("1 is 1")\n',
    "warnings": 'import warnings\ndef f():\n    warnings.warn("look", stacklevel=2)\nfor i in range(2):\n    f()\n    f()\nwarnings.warn("at the top", DeprecationWarning)\n',
    "shadowed": 'for name in ("ast", "copy", "pickle", "json", "marshal", "warnings", "typing"):\n    with open(name + ".py", "w") as f:\n        f.write("print(__name__)")\nimport copy, sys\nprint(copy.__file__ is not None)\n',
    "stack": 'import inspect, sys, traceback\ndef f():\n    traceback.print_stack()\n    print([(s.function, s.lineno, s.code_context) for s in inspect.stack()])\n    print(sys._getframe(1).f_back)\n    return len(inspect.stack())\nprint(f() + f())\n',
    "frames kept": 'import atexit, sys\ndef f(): return sys._getframe()\nkept = [f() for _ in range(3)]\nclass Late:\n    def __del__(self): print([k.f_back and k.f_back.f_back for k in self.kept])\nlate = Late()\nlate.kept = kept\n@atexit.register\ndef show():\n    print([k.f_back.f_code.co_name for k in kept], kept[0].f_back.f_back and kept[0].f_back.f_back.f_back)\n1 / 0\n',
    "locals": 'def f(a, b=2, *c, d, **e):\n    y = len(str(a))\n    print(sorted(locals()))\n    print(sorted(vars()))\nf(1, d=3)\nprint(sorted(globals()))\n',
    "signature": 'import inspect\ndef f(a, /, b: int = 1, *, c=len("x")) -> str:\n    """Doc."""\n    return a + len(b)\nclass C:\n    """Of class."""\n    x: int = len("y")\n    def m(self): return f(self)\nprint(inspect.signature(f), f.__doc__, f.__qualname__, f.__module__, C.m.__qualname__, C.__doc__, sorted(vars(C)))\nprint(f.__code__.co_varnames[:3], f.__defaults__, f.__kwdefaults__)\n',
    "source": 'import inspect\ndef f(x):\n    # a comment\n    return len(x) + len(str(x))  # and one more\nclass C:\n    def m(self):\n        for i in f("a"):\n            yield i\ng = lambda x: f(x) + 1\nfor o in (f, C, C.m, g):\n    print(inspect.getsource(o), inspect.getsourcelines(o)[1])\nprint(inspect.getsourcefile(f), inspect.getfile(f) == __file__, inspect.getmodule(f))\n',
    "closures": 'def outer(n):\n    def inner(x):\n        nonlocal n\n        n += len(str(x)) + len(str(n))\n        return n\n    return inner\nf = outer(1)\nprint(f(10) + f(200), f.__closure__[0].cell_contents, f.__code__.co_freevars)\n',
    "pickling": 'import pickle, copy\nclass P:\n    def __init__(self, x): self.x = x\n    def __repr__(self): return f"P({self.x!r})"\ndef f(): return 1\nprint(pickle.loads(pickle.dumps([P(1), P, f])), copy.deepcopy(P([2])), P.__module__, pickle.dumps(P))\n',
    "threads": 'import threading\nout = []\ndef work(n):\n    for i in range(3):\n        out.append((n, i))\nts = [threading.Thread(target=work, args=(k,)) for k in range(3)]\nfor t in ts: t.start()\nfor t in ts: t.join()\nprint(sorted(out), threading.current_thread(), threading.active_count())\nthreading.Thread(target=lambda: print("last")).start()\n',
    "thread fails": 'import threading\ndef work():\n    return 1 / 0\nt = threading.Thread(target=work, name="worker")\nt.start()\nt.join()\n',
    "multiprocessing": 'import multiprocessing\ndef square(x): return x * x\nif __name__ == "__main__":\n    with multiprocessing.get_context("fork").Pool(2) as pool:\n        print(pool.map(square, range(5)))\n',
    "spawned": 'import multiprocessing\ndef square(q, x): q.put(x * x)\nif __name__ == "__main__":\n    c = multiprocessing.get_context("spawn")\n    q = c.Queue()\n    p = c.Process(target=square, args=(q, 7))\n    p.start()\n    print(q.get(), p.join(), p.exitcode)\n',
    "forked": 'import os, sys\nsys.stdout.flush()\npid = os.fork()\nif pid == 0:\n    print("child")\n    sys.exit(4)\nprint("parent", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n',
    "child": 'import subprocess, sys\nprint(subprocess.run([sys.executable, "-c", "import os, signal; print(os.environ.get(\'PYTHONHASHSEED\'), signal.getsignal(signal.SIGINT))"], capture_output=True, text=True).stdout)\n',
    "input": 'while True:\n    try:\n        line = input("> ")\n    except EOFError:\n        break\n    print(line.upper() + str(len(line)))\n',
    "asyncio": 'import asyncio\nasync def f(n):\n    await asyncio.sleep(0.001 * n)\n    return n\nasync def main():\n    async for x in g():\n        print(x)\n    print(await asyncio.gather(f(2), f(1)), [await f(i) for i in range(2)])\nasync def g():\n    for i in range(2):\n        yield await f(i)\nasyncio.run(main())\n',
    "generators": 'def g(n):\n    got = yield n + len(str(n))\n    yield from (str(got) + str(i) for i in range(n))\nit = g(2)\nprint(next(it), it.send("x"), list(it), it.gi_frame)\n',
    "enum": 'import enum\nclass Colour(enum.Enum):\n    RED = len("a")\n    BLUE = len("ab") + len("c")\n    def label(self): return self.name.lower() + str(self.value)\nprint([c.label() for c in Colour], dir(Colour)[:3])\n',
    "dataclass": 'from dataclasses import dataclass, field\n@dataclass(order=True)\nclass P:\n    x: int\n    y: list = field(default_factory=list)\n    def move(self, by):\n        self.x += by(self.x) + len(self.y)\n        return self\nprint(P(1).move(abs), sorted([P(2), P(1)]))\n',
    "memory": 'import gc, weakref\nclass Big: pass\ndef make(): return Big()\ndef use(a, b): return r() is None\ndef f():\n    global r\n    r = weakref.ref(make())\n    print(r() is None)\n    x = use(make(), make()) or len(str(make())) + len(str(make()))\n    gc.collect()\n    print(sum(isinstance(o, Big) for o in gc.get_objects()))\n    for y in (make(), make()):\n        r = weakref.ref(y)\n    del y\n    print(r() is None)\nf()\n',
    "names of ours": 'label = 1\ngoto = [2]\n_h1 = 3\nimport sys as heresy\nprint(label + len(goto) + abs(_h1) + len(str(heresy)))\nprint(sorted(globals()))\n',
    "odd layout": '\ufeff#!/usr/bin/env python3\r\n# -*- coding: utf-8 -*-\r\nif 1: x = len("a"); y = len("b")\r\n\x0cdef f(): return x; pass\r\nprint(f() + f()); print("é" + str(f()))',
    "pdb": 'def f(x):\n    breakpoint()\n    y = len(str(x)) + len("ab")\n    for i in range(y):\n        x = g(i) * g(x)\n    return x\ndef g(x):\n    return x + 1\nprint(f(3) + f(4))\n',
    "pdb steps": 'def f(x):\n    breakpoint()\n    y = len(str(x)) + len("ab")\n    for i in range(y):\n        x = g(i) * g(x)\n    return x\ndef g(x):\n    return x + 1\nprint(f(3) + f(4))\n',
}  # fmt: skip

STDIN = {
    "pdb steps": b"l\nn\np x\nn\ns\nargs\nn\nn\nn\nn\nll\nr\np y\nu\nl\nc\nn\nc\n",
    "input": b"one\ntwo\n",
    "pdb": b"l\nw\np x\nn\nn\ns\nw\nargs\nn\nn\nn\nn\nr\nu\nl\nc\nw\nc\n",
}


#: Not asked for where the frame below the program's is there to be seen by those who look for it, as it is before 3.14.
FRAME_SHOWS = {"stack", "pdb", "frames kept"}


class Outcome(NamedTuple):
    status: int
    stdout: bytes
    stderr: bytes


#: Addresses, and the number of a thread.
_BY_CHANCE = re.compile(rb"0x[0-9a-f]{6,}|started \d+")


def run(command: list[str], folder: str, stdin: bytes) -> Outcome:
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HERESY"))}
    done = subprocess.run(command, cwd=folder, env=keep, input=stdin, capture_output=True, check=False, timeout=TIMEOUT)
    return Outcome(done.returncode, *(_BY_CHANCE.sub(b"<by chance>", text) for text in (done.stdout, done.stderr)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="an interpreter; may be given several times")
    parser.add_argument("names", nargs="*", metavar="NAME", help="the programs to run; all of them if none is named")
    options = parser.parse_args()
    heresy = str(Path(options.heresy).resolve())
    names = options.names or list(PROGRAMS)
    failed = 0
    for python in options.python:
        bad = 0
        shows = frame_shows(heresy, python)
        if shows:
            print(f"{python}: SKIPPED, since the frame below the program's shows: {', '.join(sorted(FRAME_SHOWS))}")
        for name in names:
            if shows and name in FRAME_SHOWS:
                continue
            with tempfile.TemporaryDirectory() as folder:
                script = f"shows_{name.replace(' ', '_')}.py"
                Path(folder, script).write_bytes(PROGRAMS[name].encode())
                stdin = STDIN.get(name, b"")
                plain = run([python, script, "a", "-b"], folder, stdin)
                # Twice: compiled, and from the cache.
                for life in ("first", "second"):
                    other = run(
                        [heresy, "run", "--on-error", "end", "--python", python, script, "a", "-b"], folder, stdin
                    )
                    if other != plain:
                        bad += 1
                        print(f"{python}: {name}, {life} start: FAILED\n{differences(plain, other)}", flush=True)
                        break
        failed += bad
        print(f"{python}: {len(names)} programs, {bad} failed", flush=True)
    return 1 if failed else 0


def frame_shows(heresy: str, python: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "shows_frame.py").write_text("import sys\nsys.exit(sys._getframe().f_back is not None)\n")
        return run([heresy, "run", "--on-error", "end", "--python", python, "shows_frame.py"], folder, b"").status != 0


def differences(plain: Outcome, other: Outcome) -> str:
    shown = []
    for field in Outcome._fields:
        old, new = getattr(plain, field), getattr(other, field)
        if old != new:
            show = [value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in (old, new)]
            shown.append(f"--- {field}: plain\n{show[0]}\n--- {field}: heresy\n{show[1]}")
    return "\n".join(shown)


if __name__ == "__main__":
    sys.exit(main())
