"""The program's handlers of signals are kept back while it stands still: while it is saved, and until it is restored.

The interpreter calls them between any two of its instructions, also between those of the runtime. What a handler did while the
program is being saved would be saved in part, and an exception that it raises would come to the runtime. So each gives way to
one that notes what comes. To block the signals would not do: other threads, also those of C libraries, take them then.

What has come goes on to the program when that goes on: here, or where it is continued. Its alarms stand still meanwhile. No
code of ours may be left to run then, in which the interpreter would call the handlers: they are told by iterators in C, which a
display goes through, and between that and a return the interpreter does not look for signals.
"""

from __future__ import annotations

import _signal
import _thread

from ._signals import SAVES, STOPS, Handlers, plain_getsignal, plain_siginterrupt, plain_signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._stop import Stopper

_TIMERS = (_signal.ITIMER_REAL, _signal.ITIMER_VIRTUAL, _signal.ITIMER_PROF)


class KeptBack:
    """Those of one program.

    Attributes:
        depth: how often `begin` was called without `end`.
        timers: what is left of its alarms' time, and what they are set to then.
        mask: the signals that it has blocked.
        waiting: those of them that had come already, and wait until it lets them through.
        at_start: those that were blocked before it has started.
        handled: the signals that it handles.
        own: one that heresy handles; 0: there is none.
    """

    def __init__(self, stopper: Stopper) -> None:
        self.stopper = stopper
        self.handlers: Handlers = stopper.handlers
        by_heresy = stopper.launch.options.get("blocked", [])
        self.at_start = stopper.baseline.blocked - {getattr(_signal, name) for name in by_heresy}
        self.depth = 0
        self.timers: dict[int, tuple[float, float]] = {}
        self.mask: set[int] = set()
        self.waiting: set[int] = set()
        self.handled: list[int] = []
        self.own = 0

    def begin(self) -> None:
        """From here on no handler of the program's runs.

        One that was to run already may do so now: what it raises goes to the program, and nothing is kept back then.
        """
        handlers = self.handlers
        if _thread.get_ident() != handlers.thread:
            return  # where handlers are never called
        self.depth += 1
        handlers.keeping = True
        try:
            if self.depth > 1:
                return  # a handler that runs already is stopped in
            handlers.has_interrupted()
            self.mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
            if handlers.changed:
                handlers.changed = False
                known = {number: plain_getsignal(number) for number in range(1, _signal.NSIG)}
                self.own = next((number for number, handler in known.items() if handlers.is_own(handler)), 0)
                self.handled = [n for n, found in known.items() if callable(found) and not handlers.is_own(found)]
            for number in self.handled:
                handlers.kept[number] = plain_getsignal(number)
                plain_signal(number, handlers.note)
        except BaseException:
            self.end()
            raise
        if handlers.kept:
            self._settle()
        self.waiting = self._blocked()
        for timer in _TIMERS:
            if _signal.getitimer(timer)[0] and (left := _signal.setitimer(timer, 0))[0]:
                self.timers[timer] = left

    def _settle(self) -> None:
        """Has noted what came before.

        The interpreter calls the handlers of all that has come one after the other: if this runs in one of them, the others
        would have to wait for its end.
        """
        if self.own:
            self.handlers.settles = self.own
            _thread.interrupt_main(self.own)
            self.handlers.settles = 0

    def end(self) -> None:
        """The program goes on. The caller has to return to it without calling anything."""
        if _thread.get_ident() != self.handlers.thread:
            return
        if self.depth > 1:
            self.depth -= 1
            return
        timers, self.timers = self.timers, {}
        alarms = map(_signal.setitimer, timers, *zip(*timers.values())) if timers else ()
        try:
            self._put_back()
        finally:
            self.depth, self.handlers.keeping = 0, False
            came, self.handlers.came = self.handlers.came, {}
            told = map(_thread.interrupt_main, came)
            _ = [*alarms, *told]

    def during(self, function: Callable[..., None], *arguments: Any) -> None:
        """Calls a function while they are kept back."""
        self.begin()
        try:
            function(*arguments)
        finally:
            self.end()

    def let_go(self) -> LetGo:
        """``with kept_back.let_go():`` in the midst of that, a function of the program's runs."""
        return LetGo(self)

    def _put_back(self) -> None:
        handlers = self.handlers
        try:
            while handlers.kept:
                number, handler = next(iter(handlers.kept.items()))
                plain_signal(number, handler)  # calls those before
                if number in handlers.restarting:
                    plain_siginterrupt(number, False)
                del handlers.kept[number]
        finally:
            if handlers.kept:
                self._put_back()

    # --- in a checkpoint ------------------------------------------------------------------------------------------

    def arrived(self) -> dict[str, list[int]]:
        """The signals that have come, and those that the program has blocked."""
        handlers = self.handlers
        own = {handlers.interrupts, *(number for number in handlers.came if handlers.is_own(plain_getsignal(number)))}
        came = [number for number in handlers.came if number not in own]
        return {"came": came, "waiting": sorted(self.waiting | self._blocked())}

    def _blocked(self) -> set[int]:
        """What has come of signals that the program has blocked; those that stop it are answered."""
        waiting = self.mask and _signal.sigpending() & self.mask
        return {number for number in waiting if not self.handlers.is_own(plain_getsignal(number))}

    def forget(self) -> None:
        """Another process takes the place of this one, and is to begin as this one has."""
        for number in _signal.sigpending() & self.mask:
            _signal.sigwait({number})
        _signal.pthread_sigmask(_signal.SIG_SETMASK, self.stopper.baseline.blocked)

    def saved(self) -> dict[str, Any]:
        """What is to be saved with the program."""
        found = {
            **self.arrived(),
            "timers": dict(self.timers),
            "blocked": sorted(self.mask - self.at_start),
            "unblocked": sorted(self.at_start - self.mask),
            "restarting": sorted(self.handlers.restarting & self.handlers.kept.keys()),
        }
        return {name: value for name, value in found.items() if value}

    def restore(self, kept: dict[int, Any], saved: dict[str, Any]) -> None:
        """Sets a program's handlers, which are kept back until it is entered.

        Args:
            kept: the handlers, by their signals.
            saved: what `saved` has given.
        """
        handlers = self.handlers
        self.depth, handlers.keeping = 1, True
        for number, handler in kept.items():
            if callable(handler):
                handlers.kept[number] = handler
                plain_signal(number, handlers.note)
            else:
                plain_signal(number, handler)
        handlers.came.update(dict.fromkeys(saved.get("came", ())))
        handlers.restarting.update(saved.get("restarting", ()))
        self.timers = saved.get("timers", {})
        self.mask = (self.at_start | {*saved.get("blocked", ())}) - {*saved.get("unblocked", ())}
        self.waiting = {*saved.get("waiting", ())}

    def enter(self) -> None:
        """The program goes on where it was stopped, as at `end`."""
        if self.mask != self.at_start:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, self.mask)
        for number in self.waiting:
            _signal.raise_signal(number)
        try:
            self.end()
        except BaseException as error:
            # One has come at that very moment. Here nothing of the program's could catch what it raises.
            own = [number for number in (*STOPS, SAVES) if self.handlers.is_own(plain_getsignal(number))]
            if not own:
                raise
            self.stopper.raised.append(error)
            told = map(_thread.interrupt_main, own[:1])
            _ = [*told]


class LetGo:
    """While it is entered, handlers are not kept back."""

    def __init__(self, kept_back: KeptBack) -> None:
        self.kept_back = kept_back

    def __enter__(self) -> None:
        self.depth, self.kept_back.depth = self.kept_back.depth, 1
        self.kept_back.end()

    def __exit__(self, *_: object) -> None:
        self.kept_back.begin()
        self.kept_back.depth = self.depth
