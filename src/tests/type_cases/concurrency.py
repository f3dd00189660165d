"""Locks, queues, contexts and what else belongs to threads and tasks, with nobody waiting."""

import threading


def locks():
    free, held = threading.Lock(), threading.Lock()
    held.acquire()
    release = held.release
    yield
    print(free.locked(), held.locked(), held.acquire(blocking=False), type(free).__name__)
    release()
    print(held.locked(), free.acquire(blocking=False))


def lock_in_with():
    lock = threading.Lock()
    with lock:
        yield
        print(lock.locked())
    print(lock.locked())


def reentrant_locks():
    free, held = threading.RLock(), threading.RLock()
    held.acquire(), held.acquire()
    yield
    held.release()
    print(held._is_owned(), free._is_owned(), held.acquire(blocking=False))
    held.release(), held.release()
    print(held._is_owned())
    try:
        held.release()
    except RuntimeError as error:
        print(error)


def pure_reentrant_lock():
    held = threading._PyRLock()
    held.acquire()
    yield
    print(held._is_owned())
    held.release()
    print(held._is_owned())


def events_and_conditions():
    e, f, c = threading.Event(), threading.Event(), threading.Condition()
    s, b = threading.Semaphore(2), threading.BoundedSemaphore(1)
    e.set(), s.acquire()
    barrier = threading.Barrier(1)
    yield
    print(e.is_set(), f.is_set(), s.acquire(blocking=False), s.acquire(blocking=False), f.wait(0.001), barrier.wait())
    with c:
        print(c.wait(0.001), c.notify_all())
    b.acquire()
    b.release()


def condition_that_is_held():
    c = threading.Condition()
    with c:
        yield
        c.notify()
        print(c._is_owned())
    print(c._is_owned())


def queues():
    import queue

    q, stack, p, s = queue.Queue(3), queue.LifoQueue(), queue.PriorityQueue(), queue.SimpleQueue()
    for each in (q, stack, p, s):
        each.put(2), each.put(1)
    q.get()
    q.task_done()
    yield
    print(q.get(), stack.get(), p.get(), s.get(), s.get(), s.empty(), q.unfinished_tasks, q.maxsize)
    try:
        s.get_nowait()
    except queue.Empty:
        print("empty")


def thread_locals():
    class Own(threading.local):
        kind = "own"

        def __init__(self, n):
            self.n = n

    plain, own = threading.local(), Own(5)
    plain.x, own.y = [plain], 2
    yield
    print(plain.x[0] is plain, own.n, own.y, own.kind, hasattr(plain, "n"))
    seen = []
    t = threading.Thread(target=lambda: seen.append((hasattr(plain, "x"), own.n, hasattr(own, "y"))))
    t.start()
    t.join()
    print(seen)


def threads():
    done, later = threading.Thread(target=print, name="done"), threading.Thread(target=print, args=("ran",), name="later")
    done.start()
    done.join()
    main = threading.current_thread()
    yield
    print(done.is_alive(), later.is_alive(), main is threading.main_thread(), done.name, repr(later))
    later.start()
    later.join()
    done.join()
    try:
        done.start()
    except RuntimeError as error:
        print(error)


def timers():
    t = threading.Timer(0.01, print, ["rang"])
    yield
    t.start()
    t.join()
    print(t.finished.is_set())


def futures():
    from concurrent.futures import Future, ThreadPoolExecutor

    def submitted():
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(pow, 2, 3)

    a, b, c, d = Future(), Future(), Future(), submitted()
    a.set_result([1])
    b.set_exception(ValueError("v"))
    c.cancel()
    yield
    print(a.result(), repr(b.exception()), c.cancelled(), d.result(), d.done())
    d.add_done_callback(lambda f: print("called", f.result()))


def context_variables():
    import contextvars

    v, w = contextvars.ContextVar("v"), contextvars.ContextVar("w", default=[])
    token = v.set(1)
    v.set(2)
    held = w.get()
    yield
    print(v.get(), w.get() is held, v.name, token.var is v)
    v.reset(token)
    print(v.get("none"))


def context_tokens():
    import contextvars

    v = contextvars.ContextVar("v", default=0)
    a = v.set(1)
    b = v.set(2)
    c = v.set(3)
    v.reset(c)
    yield
    print(v.get(), a.old_value is contextvars.Token.MISSING, b.old_value)
    v.reset(b)
    print(v.get())
    v.reset(a)
    print(v.get())
    try:
        v.reset(c)
    except RuntimeError as error:
        print("used" in str(error))


def contexts():
    import contextvars

    v = contextvars.ContextVar("v", default=0)
    v.set(1)
    copy = contextvars.copy_context()
    copy.run(v.set, 5)
    v.set(7)
    empty = contextvars.Context()
    yield
    print(copy[v], copy.run(v.get), v.get(), v in empty, len(empty), empty.run(v.get))


def async_objects_at_rest():
    import asyncio

    q, e, lock = asyncio.Queue(), asyncio.Event(), asyncio.Lock()
    q.put_nowait(1)
    e.set()
    yield

    async def main():
        async with lock:
            return await q.get(), e.is_set(), q.empty()

    print(asyncio.run(main()))


def schedulers():
    import sched

    s = sched.scheduler(lambda: 0, lambda n: None)
    s.enter(0, 1, print, ("event",))
    yield
    s.run()


def selectors_and_sockets():
    import socket

    a, b = socket.socketpair()
    yield "socket"
    a.close(), b.close()


def processes():
    import subprocess
    import sys

    p = subprocess.Popen([sys.executable, "-c", ""])
    p.wait()
    yield
    print(p.returncode, p.poll(), p.args[1:])


def running_processes():
    import subprocess
    import sys

    p = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield "the process runs"
    p.communicate(b"\n")
    print(p.returncode)


def names_of_threads():
    import concurrent.futures

    def name():
        return threading.current_thread().name

    def names():
        thread = threading.Thread(target=name)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return thread.name, pool.submit(name).result()

    names()
    yield
    print(names(), names())
