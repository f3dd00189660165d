"""What can be done with checkpoints: going back, moving them, trusting them, looking into them, debugging.

    python checkpoints.py --heresy target/release/heresy --python python3.13 [TRIAL…]
"""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from trials import Failure, House, main

COUNTING = """\
import os, sys
import heresy

log = open("log.txt", "a")
for step in range(1, 7):
    resumed = heresy.checkpoint()
    if step == 5 and not resumed:
        sys.stdout.flush()
        os.kill(os.getpid(), 9)
    print(step, resumed)
print("end")
"""

UNLUCKY = """\
import os
import sys
import heresy
from heresy._resume_form import ResumeForm

compiled = ResumeForm._compile


def compile_most(form, runs):
    if form.state.scope[0] == "unlucky":
        raise ValueError("no such form")
    return compiled(form, runs)


def unlucky():
    try:
        heresy.checkpoint()
    except heresy.CheckpointError as error:
        print(error)


ResumeForm._compile = compile_most
unlucky()
if not heresy.checkpoint():
    sys.stdout.flush()
    os.kill(os.getpid(), 9)
print("went on")
"""

WORKER = """\
import os, time
import heresy

for job in range(3):
    try:
        os.mkdir(f"job{job}")
        break
    except FileExistsError:
        continue
while not os.path.exists("go"):
    time.sleep(0.01)
if not heresy.checkpoint():
    time.sleep(0.3)
    os.kill(os.getpid(), 9)
print("job", job)
"""

SLOW = """\
import os, time
import heresy

if not heresy.checkpoint():
    print("saved", flush=True)
while not os.path.exists("end"):
    time.sleep(0.01)
print("end")
"""

MOVING = """\
import os, sys
import heresy
import part

os.chdir("data")
log = open(os.path.abspath("log.txt"), "w")
log.write("before ")
if not heresy.checkpoint():
    os.kill(os.getpid(), 9)
log.write("after")
log.close()
print(part.where(), os.getcwd(), log.name)
print(__file__)
"""

PART = """\
import os

def where():
    return os.path.dirname(__file__)
"""

MISSING = """\
import os, sys
import heresy

sys.path.append(os.environ["ELSEWHERE"])
import one, two, three

if not heresy.checkpoint():
    os.kill(os.getpid(), 9)
print(one.name, two.name, three.name)
"""

DEEP = """\
import os
import heresy

class Node:
    def __init__(self, next):
        self.next = next

class Tree(dict):
    pass

def depth(n):
    if n == 0:
        if not heresy.checkpoint():
            os.kill(os.getpid(), 9)
        return 0
    return 1 + depth(n - 1)

head, tree = None, Tree()
for n in range(5000):
    head, tree = Node(head), Tree(inner=tree)
print(depth(900))
count = 0
while head is not None:
    head, count, tree = head.next, count + 1, tree["inner"]
print(count, tree)
"""

NAMING = """\
import os, sys, time
import heresy

def place():
    for n in range(2):
        if not heresy.checkpoint():
            os.kill(os.getpid(), 9)
    return sys._getframe().f_code.co_filename

print(place())
"""

LOOKED_INTO = """\
import os
import heresy

rows = [0.5] * 1000

def total(numbers, rate=2):
    words = {"a": 1}
    result = sum(numbers) * (1 if heresy.checkpoint() else os.kill(os.getpid(), 9))
    return result * rate

class Secret:
    def __repr__(self):
        raise AssertionError("was shown")

secret = Secret()
print(total(rows))
"""

SOCKETS = """\
import os, socket
import heresy

one, other = socket.socketpair()
for step in range(2):
    if not heresy.checkpoint():
        os.kill(os.getpid(), 9)
"""

TEN = """\
import os, heresy

def work():
    count, rate, name, done, nothing = 7, 0.25, "epoch", False, None
    rows, pair, table, raw, seen = [1, 2, 3], (4, 5), {"a": 1}, b"abc", {6, 7}
    if not heresy.checkpoint():
        os.kill(os.getpid(), 9)
    print(count, rate, name, done, nothing, rows, pair, table, raw, seen)

work()
"""

LARGE = """\
import os, heresy
data = list(range(270_000))
heresy.checkpoint()
os.kill(os.getpid(), 9)
"""

ARRAYS = """\
import os
import heresy

data, buffer = bytes(range(256)) * 20000, bytearray(3_000_000)
buffer[-1] = 7
both = [data, buffer, data]
if not heresy.checkpoint():
    os.kill(os.getpid(), 9)
print(len(data), buffer[-1], len(buffer), both[0] is data is both[2], both[1] is buffer, hash(data) == hash(both[2]))
"""


def heresy(house: House, *words: str, status: int | None = 0, given: str = "", **environ: str) -> tuple[str, str]:
    """What a command prints, on both streams; with the status that it must have, if that is given."""
    done = subprocess.run(
        [house.command[0], *words], cwd=house.folder, env={**house.environment, **environ}, input=given,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if status is not None and done.returncode != status:
        raise Failure(f"heresy {' '.join(words)}: status {done.returncode}, not {status}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def killed(house: House, name: str, text: str, *options: str, **environ: str) -> str:
    """What a program printed that has killed itself after a checkpoint."""
    (house.folder / name).write_text(text)
    return heresy(house, "run", "--python", house.python, *options, name, status=-9, **environ)[0]


def expect(got: object, wanted: object) -> None:
    if got != wanted:
        raise Failure(f"{got!r} instead of {wanted!r}")


# --- trials -------------------------------------------------------------------------------------------------------------


def going_back(house: House) -> None:
    """``--keep`` keeps older ones, ``log`` lists them, ``resume --at`` continues from one; the newer ones stay."""
    expect(killed(house, "count.py", COUNTING, "--keep", "3").splitlines(), [f"{n} False" for n in range(1, 5)])
    listed = heresy(house, "log")[0]
    expect(re.findall(r"^ +(\d+) ", listed, re.M), ["5", "4", "3", "2"])
    expect(" ".join(listed.split()[:2]), f"{next((house.folder / '.heresy').glob('*.ckpt')).relative_to(house.folder)}: count.py")
    refused = heresy(house, "resume", "--at", "1", status=2)[1]
    expect("H340" in refused and "there are 2, 3, 4, 5" in refused, True)
    expect("number 3" in heresy(house, "inspect", "--at", "3")[0], True)
    # Step 5 kills the program again, once it gets there.
    again = heresy(house, "resume", "--at", "3", "--python", house.python, status=-9)[0]
    expect(again.splitlines(), ["3 True", "4 False"])
    expect(re.findall(r"^ +(\d+) ", heresy(house, "log")[0], re.M), ["7", "6", "5", "4"])
    ended = heresy(house, "run", "--python", house.python, "count.py")[0]
    expect(ended.splitlines(), ["5 True", "6 False", "end"])
    # All that is left is kept, and can be gone back to.
    expect(heresy(house, "log")[0].count("(ended)"), 1)
    expect(re.findall(r"^ +(\d+) ", heresy(house, "log")[0], re.M), ["8", "7", "6"])
    expect(heresy(house, "resume", "--at", "8", "--python", house.python)[0].splitlines(), ["6 True", "end"])


def replaced(house: House) -> None:
    """Without ``--keep`` there is one, and none once the program has ended."""
    killed(house, "count.py", COUNTING)
    expect(len(list((house.folder / ".heresy").glob("count*"))), 1)
    expect(heresy(house, "run", "--python", house.python, "count.py")[0].splitlines()[-1], "end")
    expect(list((house.folder / ".heresy").glob("count*")), [])


def elsewhere(house: House) -> None:
    """A program whose folder has moved is continued there."""
    old, new = house.folder / "old", house.folder / "new"
    (old / "data").mkdir(parents=True)
    (old / "part.py").write_text(PART)
    (old / "move.py").write_text(MOVING)
    command = [*house.command, str(old / "move.py")]
    subprocess.run(command, cwd=old, env=house.environment, capture_output=True, timeout=60)
    os.rename(old, new)
    (file,) = (new / ".heresy").glob("*.ckpt")
    expect("H331" in heresy(house, "resume", "--python", house.python, str(file), status=2)[1], True)
    out, err = heresy(house, "resume", "--python", house.python, "--map", f"{old}={new}", str(file))
    expect(out.splitlines(), [f"{new} {new / 'data'} {new / 'data' / 'log.txt'}", str(new / "move.py")])
    expect((new / "data" / "log.txt").read_text(), "before after")
    expect(f"{new}/move.py:" in err and not old.exists(), True)


def another_key(house: House) -> None:
    """A checkpoint of another machine is refused until its key is imported, or it is trusted."""
    killed(house, "count.py", COUNTING)
    (file,) = (house.folder / ".heresy").glob("count*.ckpt")
    saved = file.read_bytes()
    other = {"XDG_CONFIG_HOME": str(house.folder / "other")}
    command = ["resume", "--python", house.python, str(file)]
    out, err = heresy(house, *command, status=1, **other)
    expect((out, "H306" in err), ("", True))
    expect("a key that is not yours" in heresy(house, "inspect", **other)[0], True)
    expect(heresy(house, *command, "--trust", **other)[0].splitlines(), ["5 True", "6 False", "end"])
    file.write_bytes(saved)
    exported = heresy(house, "key", "export")[0]
    expect(re.fullmatch(r"heresy-key-1:[0-9a-f]{64}\n", exported) is not None, True)
    expect("H341" in heresy(house, "key", "import", status=2, given=exported[1:], **other)[1], True)
    heresy(house, "key", "import", given=exported, **other)
    expect("imported" in heresy(house, "key", **other)[0] and "imported" in heresy(house, "inspect", **other)[0], True)
    expect(heresy(house, *command, **other)[0].splitlines(), ["5 True", "6 False", "end"])
    for key in (house.folder / "config", house.folder / "other"):
        for found in (path for path in key.rglob("*") if path.is_file()):
            expect((found, oct(found.stat().st_mode & 0o777)), (found, "0o600"))


def key_of_the_folder(house: House) -> None:
    """A key that lies beside a checkpoint, as another may have put it there, is none."""
    killed(house, "count.py", COUNTING)
    (file,) = (house.folder / ".heresy").glob("count*.ckpt")
    shutil.copy(house.folder / "config" / "heresy" / "key", house.folder / ".heresy" / "key")
    none = {"XDG_CONFIG_HOME": str(house.folder / "none")}
    expect("H306" in heresy(house, "resume", "--python", house.python, str(file), status=1, **none)[1], True)


def missing_modules(house: House) -> None:
    """All modules that are missing are named, and nothing has been run."""
    modules = house.folder / "elsewhere"
    modules.mkdir()
    for name in "one", "two", "three":
        (modules / f"{name}.py").write_text(f"name = {name!r}\nprint('imported', name)\n")
    program = house.folder / "program"
    program.mkdir()
    (program / "missing.py").write_text(MISSING)
    command = [*house.command, "--python", house.python, "missing.py"]
    environ = {**house.environment, "ELSEWHERE": str(modules)}
    subprocess.run(command, cwd=program, env=environ, capture_output=True, timeout=60)
    (modules / "two.py").rename(modules / "two.py.away")
    (modules / "three.py").rename(modules / "three.py.away")
    done = subprocess.run(command, cwd=program, env=environ, capture_output=True, text=True, timeout=60)
    expect((done.stdout, "H322" in done.stderr and "'two', 'three'" in done.stderr), ("", True))
    for name in "two", "three":
        (modules / f"{name}.py.away").rename(modules / f"{name}.py")
    done = subprocess.run(command, cwd=program, env=environ, capture_output=True, text=True, timeout=60)
    expect(done.stdout.splitlines()[-1], "one two three")


def looked_into(house: House) -> None:
    """``inspect`` shows the stack, carets, variables and sizes; nothing of the program's is called."""
    killed(house, "look.py", LOOKED_INTO)
    text = heresy(house, "inspect")[0]
    shown = [line.rstrip() for line in text.splitlines()]
    call = shown.index("     8 |     result = sum(numbers) * (1 if heresy.checkpoint() else os.kill(os.getpid(), 9))")
    expect(shown[call + 1], "       | " + " " * 34 + "^" * len("heresy.checkpoint()"))
    expect([line.split()[0] for line in shown[call + 2 : call + 5]], ["numbers", "rate", "words"])
    expect("rows    list of 1000" in text and "9.0 kB" in text and "secret  Secret object" in text, True)
    found = json.loads(heresy(house, "inspect", "--output-format", "json")[0])
    expect(found["signed_by"], "own")
    expect([frame["function"] for frame in found["manifest"]["stack"]], ["<module>", "total"])
    expect(found["manifest"]["stack"][1]["locals"], {"numbers": "list of 1000", "rate": "2", "words": "{'a': 1}"})
    expect(9000 < found["module_sizes"]["__main__"]["rows"] < 9100, True)
    # The program has gone on with another text: the excerpt is that of then.
    (house.folder / "look.py").write_text("")
    expect(heresy(house, "inspect")[0], text)


def without_sockets(house: House) -> None:
    """``inspect`` shows what could not be saved, as the stop has told it; a program that holds all has nothing of it."""
    (house.folder / "sockets.py").write_text(SOCKETS)
    err = heresy(house, "run", "--python", house.python, "sockets.py", status=-9)[1]
    told = re.findall(r"^  - (.*)$", err, re.M)
    expect([line.split(": ")[1] for line in told], ["one", "other"])
    text = heresy(house, "inspect")[0]
    expect(text.split("\nnot saved; ")[1].splitlines()[1:], [f"  - {line}" for line in told])
    manifest = json.loads(heresy(house, "inspect", "--output-format", "json")[0])["manifest"]
    expect(manifest["unsaved"], told)
    # What was a placeholder already is one still.
    heresy(house, "run", "--python", house.python, "sockets.py", status=-9)
    expect(json.loads(heresy(house, "inspect", "--output-format", "json")[0])["manifest"]["unsaved"], told)
    killed(house, "look.py", LOOKED_INTO)
    (file,) = (house.folder / ".heresy").glob("look*.ckpt")
    expect("not saved" in heresy(house, "inspect", str(file))[0], False)
    found = json.loads(heresy(house, "inspect", "--output-format", "json", str(file))[0])
    expect("unsaved" in found["manifest"], False)


def debugged(house: House) -> None:
    """``resume --pdb`` begins in the debugger, in the innermost frame, at the line that it had reached."""
    (house.folder / "loop.py").write_text(
        "import time\ndef inner(n):\n    total = 0\n    for i in range(n):\n        total += 1\n        time.sleep(0.005)\n"
        "    return total\nprint('begin', flush=True)\nprint(inner(400))\n"
    )
    life = house.start("loop.py")
    assert life.stdout is not None
    life.stdout.readline()
    time.sleep(0.4)
    life.send_signal(2)
    house.end(life)
    given = "p 'total', total == i + (not 'total += 1' in open('loop.py').readlines()[0])\nup\np n\nc\n"
    out, err = heresy(house, "resume", "--pdb", "--python", house.python, given=given)
    at = re.search(r"heresy: continuing loop.py at (\S+):(\d+) in inner\(\)", err)
    expect(at is not None and f"> {at[1]}({at[2]})inner()" in out, True)
    expect("-> print(inner(400))" in out and out.splitlines()[-1].endswith("400"), True)


def other_pythons(house: House) -> None:
    """A checkpoint of one Python is continued by another, and that one's by the first."""
    versions = [f"python3.{minor}" for minor in (11, 12, 13, 14, 15)]
    there = [python for python in versions if python != house.python and shutil.which(python)]
    if not there:
        print("SKIPPED: there is no other Python")
    for python in there:
        killed(house, "count.py", COUNTING.replace("step == 5", "step in (3, 5)"), "--fresh")
        out = heresy(house, "run", "--python", python, "count.py", status=-9)[0]
        expect(out.splitlines(), ["3 True", "4 False"])
        out = heresy(house, "run", "--python", house.python, "count.py")[0]
        expect(out.splitlines(), ["5 True", "6 False", "end"])


def large_bytes(house: House) -> None:
    """Large bytes are parts of their own, and are the same objects again; however they are written."""
    for compress in "none", "fast", "small":
        killed(house, "arrays.py", ARRAYS, "--fresh", "--compress", compress)
        parts = json.loads(heresy(house, "inspect", "--output-format", "json")[0])["manifest"]["parts"]
        stored = [part["bytes"] < part["raw"] for part in parts]
        expect(stored, [False] if compress == "none" else [True, True, True, True, True])
        out = heresy(house, "run", "--python", house.python, "arrays.py")[0]
        expect(out, "5120000 7 3000000 True True True\n")


def small(house: House) -> None:
    """What a checkpoint adds to the state is little."""
    killed(house, "ten.py", TEN)
    (file,) = (house.folder / ".heresy").glob("ten*.ckpt")
    more = 4 * max(0, len(str(house.folder)) - len("/tmp/tmp12345678"))  # the folder's name is in it four times
    if file.stat().st_size > 1500 + more:
        raise Failure(f"ten small variables take {file.stat().st_size} bytes")
    sizes = {}
    for compress in "none", "fast", "small":
        killed(house, "large.py", LARGE, "--fresh", "--compress", compress)
        (file,) = (house.folder / ".heresy").glob("large*.ckpt")
        sizes[compress] = file.stat().st_size
    plain = len(pickle.dumps(list(range(270_000)), 5))
    expect((sizes["none"] <= 1.02 * plain, sizes["small"] <= sizes["fast"] < sizes["none"] / 2), (True, True))


def deep(house: House) -> None:
    """Neither calls nor data that are nested deeply are too deep: 900 calls, lists and trees of 5,000 nodes."""
    killed(house, "deep.py", DEEP)
    expect(heresy(house, "run", "--python", house.python, "deep.py")[0], "900\n5000 {}\n")


def of_no_use(house: House) -> None:
    """A checkpoint is made only where the frames can be compiled to go on."""
    out = killed(house, "unlucky.py", UNLUCKY)
    expect("unlucky could not be continued (no such form)" in out, True)
    expect(heresy(house, "run", "--python", house.python, "unlucky.py")[0], "went on\n")


def at_once(house: House) -> None:
    """Each of several runs of one command has a checkpoint of its own, and none is continued twice."""
    (house.folder / "worker.py").write_text(WORKER)

    def ends(lives: list[subprocess.Popen[bytes]]) -> list[tuple[int, str]]:
        return sorted((life.wait(60), life.communicate()[0].decode()) for life in lives)

    # One after the other: the first start of all tidies the cache, where the claims are, when it has its own.
    first = []
    for number in range(3):
        first.append(house.start("worker.py"))
        while not (house.folder / f"job{number}").exists():
            time.sleep(0.01)
    (house.folder / "go").touch()
    expect(ends(first), [(-9, "")] * 3)
    again = [house.start("worker.py") for _ in range(3)]
    expect(ends(again), [(0, f"job {number}\n") for number in range(3)])
    expect([*(house.folder / ".heresy").glob("*.ckpt")], [])
    (house.folder / "slow.py").write_text(SLOW)
    slow = house.start("slow.py")
    assert slow.stdout is not None
    expect(slow.stdout.readline(), b"saved\n")
    expect("H337" in heresy(house, "resume", status=1)[1], True)
    slow.send_signal(signal.SIGSTOP)
    (house.folder / "end").touch()
    second = heresy(house, "run", "--python", house.python, "slow.py")
    expect((second[0], f"process {slow.pid} continues this command" in second[1]), ("saved\nend\n", True))
    slow.kill()
    slow.communicate()
    expect(heresy(house, "resume")[0], "end\n")


def two_folders(house: House) -> None:
    """The same script in two folders: each is shown where it is."""
    for name in "first", "second":
        (house.folder / name).mkdir()
        killed(house, f"{name}/naming.py", NAMING)
        out = heresy(house, "run", "--python", house.python, f"{name}/naming.py", status=-9)[0]
        out += heresy(house, "run", "--python", house.python, f"{name}/naming.py")[0]
        expect(out, f"{house.folder}/{name}/naming.py\n")


def configured(house: House) -> None:
    """``[tool.heresy]`` says how checkpoints are written; a command line says otherwise."""
    (house.folder / "pyproject.toml").write_text('[tool.heresy]\nkeep = 1\ncompress = "none"\n')
    killed(house, "count.py", COUNTING)
    manifest = json.loads(heresy(house, "inspect", "--output-format", "json")[0])["manifest"]
    expect((manifest["keep"], manifest["compress"], len(list((house.folder / ".heresy").glob("*.old")))), (1, "none", 1))
    killed(house, "count.py", COUNTING, "--fresh", "--keep", "0", "--compress", "small")
    manifest = json.loads(heresy(house, "inspect", "--output-format", "json")[0])["manifest"]
    expect((manifest["keep"], manifest["compress"], len(list((house.folder / ".heresy").glob("*.old")))), (0, "small", 0))
    (house.folder / "pyproject.toml").write_text('[tool.heresy]\ncompress = "best"\n')
    expect("H022" in heresy(house, "run", "count.py", status=2)[1], True)


TRIALS: list[Callable[[House], None]] = [
    going_back, replaced, elsewhere, another_key, key_of_the_folder, missing_modules, looked_into, without_sockets, debugged,
    other_pythons, large_bytes, small, deep, of_no_use, at_once, two_folders, configured,
]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(__doc__, lambda options: {trial.__name__: trial for trial in TRIALS}))
