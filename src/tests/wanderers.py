"""Programs that signals are sent to at any moment: between them they do all that a signal can interrupt.

Each prints lines with numbers, and writes ``log.txt``; undisturbed, each takes a second or two.
"""

# Everything that a signal can interrupt: arithmetic, calls in calls, a wait, buffered output, a file, a handler.
# The imports take a moment, in which a signal finds modules half made.
WANDERER = """\
import argparse, decimal, logging, re, statistics
import time

log = open("log.txt", "w")
count = 0


class Odd(Exception):
    pass


def note(text):
    global count
    count += 1
    print(count, text)
    log.write(f"{count} {text}\\n")
    return count


def busy(n):
    total = 0
    for i in range(n):
        total = (total * 31 + i) % 1000003
    return total


def step(n, depth):
    if depth == 0:
        if n % 3 == 1:
            raise Odd(n)
        return busy(4000 + n)
    return step(n, depth - 1) + note(f"back in {depth}") - busy(200)


def turn(n):
    try:
        return step(n, n % 5) * note("done")
    except Odd as odd:
        note(f"odd {odd}")
        time.sleep(0.01)
        return n
    finally:
        time.sleep(0.002)
        note("turned")


total = 0
for n in range(240):
    total += turn(n)
    if n % 40 == 0:
        print("total", total, flush=True)
log.close()
print("end", total)
"""

LOOPS = """\
import math

log = open("log.txt", "w")
print("begin", flush=True)
table, left = {}, list(range(60))
total = 0
for n, letter in enumerate("abcdefghijklmnopqrstuvwxyz" * 2):
    at = n
    while at < 12 * (n % 7):
        at += 1
        for x in range(2400):
            total = (total * 31 + x) % 1000003
            if x % 1997 == 1996:
                break
        else:
            table[letter] = table.get(letter, 0) + 1
        if at % 5 == 0:
            continue
        total += math.isqrt(total)
    for item in left:
        if item % (n + 2) == 1:
            left.remove(item)
    print(n, letter, at, total, len(left))
    log.write(f"{n} {sorted(table.items())}\\n")
    rows = [[x * y % (n + 1) for x in range(40)] for y in range(40) if y % 3]
    total += sum(map(sum, rows))
    log.flush()
    for _ in range(8):
        total += sum(x * x for x in range(2000) if x & n)
print("end", total, left)
log.close()
"""

GENERATORS = """\
from contextlib import contextmanager

log = open("log.txt", "w")
print("begin", flush=True)


def numbers(n):
    for i in range(n):
        got = yield i
        if got:
            log.write(f"sent {got}\\n")


def filtered(source):
    for x in source:
        if x % 3:
            yield x * x


def delegating(n):
    first = yield from numbers(n)
    log.write(f"{n} {first}\\n")
    for part in (filtered(numbers(n)), (x + 1 for x in filtered(numbers(n)))):
        yield from part
    return n


@contextmanager
def section(name):
    log.write(f"in {name}\\n")
    try:
        yield name.upper()
    finally:
        log.write(f"out {name}\\n")


def slow(x):
    for _ in range(3000):
        x = (x * 31 + 7) % 1000003
    return x


kept = [numbers(5), delegating(4)]
total = 0
for n in range(24):
    with section(f"s{n}") as name:
        each = [slow(x) for x in delegating(n)]
        total += sum(slow(x) for x in filtered(numbers(3 * n)))
        for source in kept:
            total += next(source, 0)
        print(n, name, len(each), total)
other = numbers(20)
next(other)
for n in range(15):
    print("sent", other.send(n), {slow(n) for n in range(n)} == {slow(n) for n in range(n)})
print("end", total)
log.close()
"""

FILES = """\
import csv, io, os, tempfile

log = open("log.txt", "w")
print("begin", flush=True)
with open("in.csv", "w", newline="") as file:
    writer = csv.writer(file)
    for n in range(400):
        writer.writerow([n, n * n, f"row {n}"])
    print("written", file.tell())
spool = tempfile.TemporaryFile()
raw = open("raw.bin", "wb", buffering=0)
total = 0
with open("in.csv", newline="") as file:
    for n, row in enumerate(csv.reader(file)):
        total += int(row[1])
        spool.write(row[2].encode())
        raw.write(bytes([n % 256]))
        log.write(",".join(row) + "\\n")
        if n % 50 == 0:
            with open("appended.txt", "w" if n == 0 else "a") as more:
                for x in range(300):
                    more.write(f"{n} {x}\\n")
            print(n, total, raw.tell(), os.path.getsize("appended.txt"))
        for x in range(20000):
            total = (total * 31 + x) % 1000003
raw.close()
spool.seek(0)
print(len(spool.read()), os.path.getsize("raw.bin"))
text = io.StringIO()
with open("appended.txt") as file:
    for line in file:
        text.write(line[::-1])
        if file.newlines and len(line) > 6:
            total += len(line)
print(len(text.getvalue()), total)
print("end")
log.close()
"""

WAITS = """\
import select, threading, time

log = open("log.txt", "w")
print("begin", flush=True)
event, lock = threading.Event(), threading.Lock()
lock.acquire()


def nap(seconds):
    time.sleep(seconds)
    return int(seconds * 1000)


rounds = total = 0
while rounds < 12:
    rounds += 1
    total += nap(0.04)
    if event.wait(0.03):
        print("set")
    select.select([], [], [], 0.03)
    got = lock.acquire(timeout=0.02)
    print(rounds, total, got)
    log.write(f"{rounds}\\n")
    if rounds % 4 == 0:
        event.set()
    elif rounds % 4 == 1:
        event.clear()
print("end", total)
log.close()
"""

CALLBACKS = """\
import functools, re

log = open("log.txt", "w")
print("begin", flush=True)
count = 0


def slow(n):
    global count
    count += 1
    x = hash(n) % 1000
    for _ in range(6000):
        x = (x * 31 + 7) % 1000003
    if count % 50 == 0:
        print("called", count)
    log.write(f"{count} {n}\\n")
    return x


class Key:
    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        return slow(self.n) < slow(other.n)

    def __hash__(self):
        return slow(self.n)

    def __eq__(self, other):
        return self.n == other.n


def replaced(match):
    return str(slow(int(match[0])))


for n in range(10):
    print(n, sorted(range(12), key=slow))
    print(max(range(9), key=slow), functools.reduce(lambda a, b: a + slow(b), range(9), 0))
    print(re.sub(r"[0-9]+", replaced, "1 and 22 and 333"))
    keys = [Key(x) for x in range(6)]
    keys.sort()
    print([key.n for key in keys], len(set(keys)))
    print(list(map(slow, range(5))), list(filter(slow, range(5))))
print("end", count)
log.close()
"""

PROGRAMS = {
    "calls": WANDERER, "loops": LOOPS, "generators": GENERATORS, "files": FILES, "waits": WAITS, "callbacks": CALLBACKS,
}  # fmt: skip
