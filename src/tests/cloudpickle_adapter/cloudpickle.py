"""The insides of cloudpickle, which the adapter has not: whoever calls one is told so."""

from __future__ import annotations

from typing import Any

from . import internal


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return internal(name)
