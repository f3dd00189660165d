"""Weak references, dead or alive, with their callbacks: what `weakref`'s containers are made of."""

from __future__ import annotations

import weakref
from typing import Any

from .pickling import Reduced, StatePickler, reducer


@reducer(weakref.ReferenceType)
def _reference(pickler: StatePickler, reference: Any) -> Reduced:
    referent = reference()
    if referent is None:
        return dead_reference, ()
    return weakref.ref, (referent, reference.__callback__)


@reducer(weakref.KeyedRef)
def _keyed_reference(pickler: StatePickler, reference: Any) -> Reduced:
    referent = reference()
    if referent is None:
        return dead_reference, ()
    return weakref.KeyedRef, (referent, reference.__callback__, reference.key)


class _Gone:
    __slots__ = ("__weakref__",)


def dead_reference() -> Any:
    """A reference to an object that is gone."""
    return weakref.ref(_Gone())
