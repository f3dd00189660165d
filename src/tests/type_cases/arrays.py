"""Arrays of numpy and tables of pandas: cases for an interpreter that has them."""

try:
    import numpy as np
except ImportError:
    np = None
try:
    import pandas as pd
except ImportError:
    pd = None


def views_of_arrays():
    if np is None:
        return

    a = np.arange(24.0).reshape(4, 6)
    row, column, back, corner = a[1], a[:, 2], a[::-1, ::-2], a[2:, 3:].T
    flat, one, text = a.ravel(), a[3, 5:6], np.array(["x", "yy", "zzz"])
    words = text[1:]
    yield
    a[1, 2] = 100
    back[0, 0] = -1
    corner[0, 0] = 7
    flat[0] = 9
    words[0] = "w"
    print(a.tolist(), row.tolist(), column.tolist(), back.tolist(), corner.tolist(), one, text, words.base is text)
    print(row.base is a.base, a.base.flags.owndata, a.flags.owndata, np.shares_memory(a, one), back.strides)
    print(corner.flags.f_contiguous)


def arrays_that_own():
    if np is None:
        return

    a, f = np.arange(3), np.asfortranarray(np.arange(6).reshape(2, 3))
    k = np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2).copy("K")
    part, empty, scalar, days = k[1], np.empty((0, 3)), np.array(5), np.array(["2024-01-02"], "M8[D]")
    records = np.zeros(2, [("n", "i4"), ("s", "S3")])
    fixed = np.arange(4)
    fixed.flags.writeable = False
    seen = fixed[1:]
    yield
    a.resize(5, refcheck=False)
    part[0, 0] = 99
    scalar[()] = 6
    records["n"][1] = 3
    print(a, f, f.flags.f_contiguous, k.tolist(), k.strides, empty.shape, scalar, days, records)
    print(fixed.flags.writeable, seen.flags.writeable, seen.base is fixed, a.dtype, records.dtype)


def arrays_of_objects():
    if np is None:
        return

    inner = [1]
    a = np.array([inner, "x", None, a_list := [2]], dtype=object)
    part = a[2:]
    loop = np.empty(1, dtype=object)
    loop[0] = loop
    yield
    part[0] = inner
    inner.append(2)
    print(a, a[0] is inner, a[3] is a_list, part.base is a, loop[0] is loop)


def arrays_on_other_memory():
    if np is None:
        return

    data = bytearray(16)
    one, two = np.frombuffer(data, "u2"), np.frombuffer(data, "u1")[4:]
    fixed = np.frombuffer(b"abcdefgh", "u1")
    yield
    one[2] = 258
    data[5] = 7
    print(data, one, two, fixed, fixed.flags.writeable)


def mapped_arrays():
    if np is None:
        return

    a = np.memmap("m.dat", "f8", "w+", shape=(4, 2))
    a[1] = 5
    part = a[1:]
    private = np.memmap("m.dat", "f8", "c")
    private[0] = 3
    yield
    part[0, 1] = 6
    a.flush()
    print(type(a).__name__, a.tolist(), a.mode, part.tolist(), private.tolist(), np.fromfile("m.dat").tolist())


def kinds_of_arrays():
    if np is None:
        return

    m = np.matrix([[1, 2], [3, 4]])
    r = np.rec.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")])
    masked = np.ma.array([1, 2, 3], mask=[0, 1, 0])
    yield
    m[0, 0] = 9
    r.a[0] = 4
    print(type(m).__name__, m * m, r.a, r, masked.sum(), masked)


def going_through_arrays():
    if np is None:
        return

    a = np.arange(6).reshape(2, 3)
    flat, rows, both = a.flat, iter(a), np.ndenumerate(a)
    next(flat), next(flat), next(rows), next(both)
    yield
    a[0, 2] = 50
    print(list(flat), [row.tolist() for row in rows], list(both))


def tables():
    if pd is None:
        return

    values = np.arange(6.0).reshape(3, 2)
    df = pd.DataFrame(values, columns=["a", "b"], copy=False)
    s, i = df["a"], pd.Series([1, None, 3], index=pd.date_range("2024", periods=3), dtype="Int64")
    rows, groups = df.iterrows(), df.groupby("a")
    next(rows)
    c = pd.Categorical(["x", "y", "x"])
    yield
    values[0, 0] = 10
    df.loc[1, "b"] = 7
    print(df.to_dict(), s.tolist(), i.tolist(), i.index[0], [n for n, _ in rows], groups.size().to_dict(), c.codes.tolist())


def strided_views():
    if np is None:
        return
    from numpy.lib.stride_tricks import as_strided, sliding_window_view

    numbers = np.arange(6)
    windows, pairs = sliding_window_view(numbers, 3), as_strided(numbers, (2, 2), (numbers.itemsize, numbers.itemsize))
    values = ["a", np.nan, "b"]
    yield
    numbers[0] = 100
    print(windows[0], pairs[0], np.shares_memory(windows, numbers), np.nan in values, values.index(np.nan))
