"""Open files, and what reads and writes through them."""

import io


def text_files():
    w = open("t.txt", "w")
    w.write("ä1\n")
    a = open("t2.txt", "a+")
    a.write("x\n")
    yield
    w.write("b\n")
    a.write("y\n")
    a.seek(0)
    print(w.tell(), a.read(), w.mode, w.name, w.encoding == a.encoding)
    w.close()
    print(open("t.txt").read())


def read_in_loop():
    with open("r.txt", "w") as f:
        f.write("one\ntwo\nthree\n")
    with open("r.txt") as f:
        for n, line in enumerate(f):
            if n == 1:
                yield
            print(line.strip(), f.closed)


def binary_files():
    with open("b.bin", "wb") as f:
        f.write(bytes(range(100)))
    r, rw, raw = open("b.bin", "rb"), open("b.bin", "r+b"), open("b.bin", "rb", buffering=0)
    r.read(10), r.peek(1), rw.seek(50), raw.read(3)
    yield
    rw.write(b"\xff")
    rw.flush()
    print(r.read(2), r.tell(), rw.tell(), raw.read(2), r.mode, rw.mode)


def other_newlines_and_encodings():
    with open("n.txt", "w", newline="\r\n", encoding="utf-16") as f:
        f.write("a\nb\n")
    f = open("n.txt", newline="", encoding="utf-16")
    f.readline()
    w = open("n2.txt", "w", encoding="latin-1", errors="replace")
    w.write("ä")
    yield
    w.write("\u20ac")
    w.flush()
    print(repr(f.readline()), open("n2.txt", "rb").read(), w.errors)


def newlines_seen():
    with open("s.txt", "wb") as f:
        f.write(b"a\nb\nc\r\nd\re\n")
    files = [open("s.txt"), open("s.txt"), open("s.txt", newline=""), open("s.txt", encoding="utf-16-le"), open("s.txt")]
    files[1].read(), files[2].readline(), files[4].readline(), files[4].seek(0)
    before = [f.newlines for f in files]
    files[0].readline()
    yield
    print(before, [f.newlines for f in files])
    for f in files[:3]:
        print(repr(f.readline()), f.newlines)
    print(repr(files[2].read()), files[2].newlines, files[4].read(4), files[4].newlines)


def closed_files():
    f = open("c.txt", "w")
    f.close()
    yield
    print(f.closed, f.name, f.mode)
    try:
        f.write("x")
    except ValueError as error:
        print(error)


def closed_files_of_all_kinds():
    with open("k.txt", "wb") as f:
        f.write(b"\xe4\r\n")
    files = [open("k.txt", mode) for mode in ("rb", "ab", "r+b", "a+b")] + [open("k.txt", "rb", buffering=0)]
    files += [open("k.txt", encoding="latin-1", errors="replace"), open("k.txt", "a", encoding="utf-16"), open("kx.txt", "x")]
    files += [io.TextIOWrapper(io.BytesIO(b"a")), io.BufferedReader(io.BytesIO(b"a"))]
    files[5].readline()
    for each in files:
        each.close()
    yield
    for each in files:
        found = [type(each).__name__, each.closed]
        for name in ("name", "mode", "encoding", "errors", "newlines", "buffer", "raw"):
            try:
                value = getattr(each, name)
                found.append(value if type(value) in (str, int, type(None)) else type(value).__name__)
            except (ValueError, AttributeError) as error:
                found.append(type(error).__name__)
        try:
            each.readable()
        except ValueError as error:
            found.append(str(error))
        print(found)


def streams_in_memory():
    s, b, t = io.StringIO("a\nb"), io.BytesIO(b"xyz"), io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    s.readline(), b.seek(2), t.write("ä")
    done = io.StringIO()
    done.close()
    yield
    b.write(b"!")
    t.write("b")
    t.flush()
    print(s.read(), b.getvalue(), done.closed, t.buffer.getvalue())


def buffered_in_memory():
    b = io.BufferedReader(io.BytesIO(b"abcdef"))
    b.read(2)
    w = io.BufferedWriter(io.BytesIO())
    w.write(b"x")
    yield
    w.write(b"y")
    w.flush()
    print(b.read(), w.raw.getvalue())


def standard_streams():
    import sys

    found = sys.stdin, sys.stdout, sys.stderr, sys.stdout.buffer
    yield
    print(found[0] is sys.stdin, found[1] is sys.stdout, found[2] is sys.stderr, found[3] is sys.stdout.buffer)


def redirected_output():
    import contextlib
    import sys

    out = io.StringIO()
    with contextlib.redirect_stderr(out):
        print("one", file=sys.stderr)
        yield
        print("two", file=sys.stderr)
    print(repr(out.getvalue()))


def temporary_files():
    import os
    import tempfile

    f, named, spooled = tempfile.TemporaryFile("w+"), tempfile.NamedTemporaryFile("w+", dir="."), tempfile.SpooledTemporaryFile()
    f.write("one"), named.write("two"), spooled.write(b"three")
    yield
    f.write("!"), named.write("?"), spooled.write(b".")
    for each in (f, named, spooled):
        each.seek(0)
    print(f.read(), named.read(), spooled.read(), os.path.exists(named.name))
    named.close()
    print(os.path.exists(named.name))


def temporary_directories():
    import os
    import tempfile

    with tempfile.TemporaryDirectory(dir=".") as name:
        open(os.path.join(name, "x"), "w").close()
        yield
        print(os.listdir(name))
    print(os.path.exists(name))


def gzip_readers():
    import gzip

    with gzip.open("g.gz", "wb") as f:
        f.write(b"one\ntwo\nthree\n" * 1000)
    f, t = gzip.open("g.gz"), gzip.open("g.gz", "rt")
    f.readline(), f.seek(9000), next(t)
    yield
    print(f.readline(), f.tell(), next(t), len(f.read()), sum(1 for _ in t), type(f).__name__, f.name)


def other_compressed_readers():
    import bz2
    import lzma

    for module in (bz2, lzma):
        with module.open("c.z", "wb") as f:
            f.write(b"one\ntwo\nthree\n" * 1000)
        f, t = module.open("c.z"), module.open("c.z", "rt")
        f.readline(), f.seek(9000), next(t)
        if module is lzma:
            yield
        else:
            kept = f, t
            import os

            os.rename("c.z", "c.bz2")
            f.close(), t.close()
            kept = f, t = module.open("c.bz2"), module.open("c.bz2", "rt")
            f.readline()
    print(f.readline(), f.tell(), next(t), len(f.read()), kept[0].readline(), kept[1].readline())


def gzip_writers():
    import gzip

    with gzip.open("w.gz", "wb") as before:
        before.write(b"before ")
    f, t = gzip.open("w.gz", "ab"), gzip.open("t.gz", "wt", compresslevel=1, encoding="utf-16")
    f.write(b"x" * 100_000), t.write("one\n")
    yield
    f.write(b" y"), t.write("two\n")
    print(f.tell(), f.name, f.writable(), t.encoding)
    f.close(), t.close()
    print(len(gzip.open("w.gz").read()), gzip.open("t.gz", "rt", encoding="utf-16").read())


def bz2_writers():
    import bz2

    f = bz2.open("w.bz2", "wb")
    f.write(b"x")
    yield "bz2.BZ2File"
    f.close()


def closed_gzip_files():
    import gzip

    f = gzip.open("c.gz", "wb")
    f.close()
    yield
    print(f.closed)


def zip_readers():
    import zipfile

    with zipfile.ZipFile("z.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a.txt", "one\ntwo\nthree\n" * 100)
        z.writestr("b.txt", "b", zipfile.ZIP_STORED)
    z = zipfile.ZipFile("z.zip")
    info, a = z.getinfo("a.txt"), z.open("a.txt")
    a.readline()
    yield
    print(z.namelist(), z.read("b.txt"), info.file_size, a.readline(), len(a.read()), z.getinfo("a.txt") is info)


def zip_in_loop():
    import io
    import zipfile

    with zipfile.ZipFile("zl.zip", "w") as z:
        for name in "abc":
            z.writestr(name, f"{name}1\n{name}2\n")
    with zipfile.ZipFile("zl.zip") as z:
        for name in z.namelist():
            with z.open(name) as f:
                for line in io.TextIOWrapper(f):
                    if line == "b2\n":
                        yield
                    print(name, line.strip())


def tar_readers():
    import io
    import tarfile

    with tarfile.open("t.tar.gz", "w:gz") as t:
        for name in "abc":
            info = tarfile.TarInfo(name)
            info.size = 5
            t.addfile(info, io.BytesIO(b"data" + name.encode()))
    t = tarfile.open("t.tar.gz")
    f = t.extractfile("a")
    f.read(2)
    yield
    print(t.getnames(), f.read(), t.extractfile("b").read())


def file_locks():
    import os

    f = open("l.txt", "w")
    d = os.dup(f.fileno())
    os.close(d)
    yield
    print(f.write("x"), f.closed)


def mapped_files():
    import mmap

    with open("m.bin", "wb") as f:
        f.write(bytes(100))
    f = open("m.bin", "r+b")
    m = mmap.mmap(f.fileno(), 0)
    m[3] = 7
    yield "mmap.mmap"
    print(m[3])


def config_on_files():
    import fileinput

    for name in "12":
        with open(f"fi{name}.txt", "w") as f:
            f.write(f"{name}a\n{name}b\n")
    for line in fileinput.input(["fi1.txt", "fi2.txt"]):
        if line == "1b\n":
            yield
        print(fileinput.filename(), fileinput.lineno(), line.strip())
