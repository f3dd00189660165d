"""Locks and what else belongs to threads: nobody waits for them, since only the main thread is there when a program is stopped.

A lock that is held stays held. A reentrant one belongs to the main thread; a thread that has ended stays so.
"""

from __future__ import annotations

import _thread
import functools
import gc
import threading

from .._kinds import is_a
from .._typing_names import Any
from .memory import Layout
from .pickling import GENERAL, REDUCERS, CannotSave, Reduced, StatePickler, import_by_name, library_reducer, reducer


@reducer(_thread.LockType)
def _lock(pickler: StatePickler, lock: Any) -> Reduced:
    return make_lock, (lock.locked(),)


def make_lock(held: bool) -> Any:
    lock = _thread.allocate_lock()
    if held:
        lock.acquire()
    return lock


@reducer(_thread.RLock)
def _reentrant(pickler: StatePickler, lock: Any) -> Reduced:
    count = 0
    if lock._is_owned():
        state = lock._release_save()
        lock._acquire_restore(state)
        count = state[0]
    elif not lock.acquire(blocking=False):
        raise CannotSave("it is held by a thread that has ended")
    else:
        lock.release()
    return make_reentrant, (count,)


def make_reentrant(count: int) -> Any:
    lock = _thread.RLock()
    for _ in range(count):
        lock.acquire()
    return lock


@library_reducer("threading", "_RLock")
def _in_python(pickler: StatePickler, lock: Any) -> Reduced:
    return make_in_python, (), (lock._block, lock._count), None, None, set_in_python


def make_in_python() -> Any:
    return threading._RLock.__new__(threading._RLock)  # type: ignore[attr-defined]


def set_in_python(lock: Any, state: tuple[Any, int]) -> None:
    lock._block, lock._count = state
    lock._owner = threading.get_ident() if lock._count else None


@reducer(threading.Condition)
def _condition(pickler: StatePickler, condition: Any) -> Reduced:
    # Which methods of its lock's it keeps, depends on the version.
    own = {"_lock": condition._lock, "_waiters": condition._waiters}
    return make_condition, (), own, None, None, set_condition


def make_condition() -> Any:
    return threading.Condition.__new__(threading.Condition)


def set_condition(condition: Any, own: dict[str, Any]) -> None:
    condition.__init__(own["_lock"])
    condition._waiters = own["_waiters"]


@library_reducer("_queue", "SimpleQueue")
def _queue(pickler: StatePickler, queue: Any) -> Reduced:
    items = [queue.get_nowait() for _ in range(queue.qsize())]
    for item in items:
        queue.put(item)
    return make_queue, (), items, None, None, set_queue


def make_queue() -> Any:
    return import_by_name("_queue").SimpleQueue()


def set_queue(queue: Any, items: list[Any]) -> None:
    for item in items:
        queue.put(item)


# --- what each thread has of its own ----------------------------------------------------------------------------------


def _local(pickler: StatePickler, local: Any) -> Reduced:
    if not is_a(local, _thread._local):
        return None
    layout = _locals()
    args, keywords = layout.get(local, "args"), layout.get(local, "keywords")
    made_from = type(local), *(value if is_a(value, kind) else kind() for value, kind in ((args, tuple), (keywords, dict)))
    return make_local, made_from, dict(_attributes(local)), None, None, set_local


GENERAL.insert(0, _local)


def make_local(cls: type, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """One whose ``__init__`` has been called in this thread, and will be in others."""
    return _thread._local.__new__(cls, *args, **keywords)


def set_local(local: Any, attributes: dict[str, Any]) -> None:
    own = _attributes(local)
    own.clear()
    own.update(attributes)


def _attributes(local: Any) -> dict[str, Any]:
    """Those of this thread."""
    return _thread._local.__getattribute__(local, "__dict__")


class _Own(_thread._local):
    def __init__(self, *args: Any, **keywords: Any) -> None:
        pass


@functools.cache
def _locals() -> Layout:
    args, keywords = (1,), {"k": 2}
    own = _Own(*args, **keywords)
    held = [each for each in gc.get_referents(own) if each == args or each == keywords]
    found: dict[str, Any] = {"args" if type(each) is tuple else "keywords": each for each in held}
    if len(found) != 2:
        raise CannotSave("where it keeps its arguments is not known here")
    return Layout([(own, found)])


# --- threads ----------------------------------------------------------------------------------------------------------


def _thread_object(pickler: StatePickler, thread: Any) -> Reduced:
    if not is_a(thread, threading.Thread):
        return None
    if thread is threading.main_thread():
        return threading.main_thread, ()
    return NotImplemented


GENERAL.insert(0, _thread_object)


def _handle(pickler: StatePickler, handle: Any) -> Reduced:
    return thread_handle, (handle.is_done(),)


def thread_handle(has_ended: bool) -> Any:
    """The handle of a thread that has ended, or has not started; there are none before 3.13."""
    if not hasattr(_thread, "_ThreadHandle"):
        return None
    if not has_ended:
        return _thread._ThreadHandle()
    handle = _thread.start_joinable_thread(int)
    handle.join()
    return handle


if hasattr(_thread, "_ThreadHandle"):
    REDUCERS[_thread._ThreadHandle] = _handle
