"""Files that are read through a decompressor: those of ``gzip``, ``bz2``, ``lzma``, ``zipfile`` and ``tarfile``; and what
``gzip`` writes.

What a decompressor is in the midst of cannot be saved. So the file is opened anew over the one behind it, and as much is read
again as had been read. What ``gzip`` writes is flushed: from there another compressor can go on. The file unpacks to the same;
its compressed bytes are others, as they are wherever a program calls ``flush``. The other formats know no such place.
"""

from __future__ import annotations

import io

from .._typing_names import Any
from .pickling import CannotSave, Reduced, StatePickler, import_by_name, library_reducer


@library_reducer("gzip", "GzipFile")
def _gzip(pickler: StatePickler, file: Any) -> Reduced:
    attributes = {"name": file.name, "myfileobj": file.myfileobj}
    if file.closed or file.readable():
        return _reduced(file, "gzip", None if file.closed else file.fileobj, attributes, {})
    file.flush()
    attributes.update(crc=file.crc, size=file.size, offset=file.offset, _write_mtime=file._write_mtime)
    state = (file.fileobj, attributes, _level(file.fileobj))
    return make, ("gzip", type(file).__name__), state, None, None, set_gzip_writer


@library_reducer("bz2", "BZ2File")
def _bz2(pickler: StatePickler, file: Any) -> Reduced:
    return _reduced(file, "bz2", file._fp, {"_closefp": file._closefp}, {})


@library_reducer("lzma", "LZMAFile")
def _lzma(pickler: StatePickler, file: Any) -> Reduced:
    options = {} if file.closed or not file.readable() else file._buffer.raw._decomp_args
    return _reduced(file, "lzma", file._fp, {"_closefp": file._closefp}, options)


def _reduced(file: Any, module: str, behind: Any, attributes: dict[str, Any], options: dict[str, Any]) -> Reduced:
    if file.closed:
        modes = {name: value for name, value in vars(file).items() if name in ("mode", "_mode")}
        return closed, (module, type(file).__name__, attributes, modes)
    if not file.readable():
        raise CannotSave("what its compressor has not yet written cannot be saved")
    state = (behind, file.tell(), attributes, options)
    return make, (module, type(file).__name__), state, None, None, set_reader


def make(module: str, name: str) -> Any:
    cls = getattr(import_by_name(module), name)
    return cls.__new__(cls)


def set_reader(file: Any, state: tuple[Any, int, dict[str, Any], dict[str, Any]]) -> None:
    behind, position, attributes, options = state
    behind.seek(0)
    if "name" in attributes:
        file.__init__(attributes["name"], "rb", fileobj=behind)
    else:
        file.__init__(behind, "rb", **options)
    vars(file).update(attributes)
    file.seek(position)


def set_gzip_writer(file: Any, state: tuple[Any, dict[str, Any], int | None]) -> None:
    behind, attributes, level = state
    # The header is in the file already.
    file.__init__(attributes["name"], "wb", *([] if level is None else [level]), fileobj=io.BytesIO())
    vars(file).update(attributes, fileobj=behind)


def _level(behind: Any) -> int | None:
    """How well it is packed, as far as a header tells: best, fastest, or between."""
    try:
        with open(behind.name, "rb") as file:
            start = file.read(10)
    except (OSError, AttributeError, TypeError, ValueError):
        return None
    return {2: 9, 4: 1, 0: 6}.get(start[8]) if len(start) == 10 and start[:2] == b"\x1f\x8b" else None


def closed(module: str, name: str, attributes: dict[str, Any], modes: dict[str, Any]) -> Any:
    file = make(module, name)
    set_reader(file, (io.BytesIO(), 0, attributes, {}))
    file.close()
    made = dict(vars(file))
    vars(file).update((name, value) for name, value in modes.items() if name in vars(file))
    if not file.closed:  # older versions tell by the mode
        vars(file).update(made)
    return file


# --- archives -----------------------------------------------------------------------------------------------------------


@library_reducer("zipfile", "ZipExtFile")
def _member(pickler: StatePickler, member: Any) -> Reduced:
    state = dict(vars(member))
    if member.closed or state["_decompressor"] is None:
        return make, ("zipfile", "ZipExtFile"), (state, None), None, None, set_member
    if not member.seekable():
        raise CannotSave("the archive cannot be read again from an earlier place")
    # The library starts again when it is to go back: from behind the end, where it has nothing left.
    state.update(_decompressor=None, _readbuffer=b"", _offset=0, _left=0)
    return make, ("zipfile", "ZipExtFile"), (state, member.tell()), None, None, set_member


def set_member(member: Any, saved: tuple[dict[str, Any], int | None]) -> None:
    state, position = saved
    vars(member).update(state)
    if "_orig_crc" not in state:
        member._orig_crc = member._expected_crc  # from 3.12 on
    if position is not None and member._orig_file_size:
        member.seek(0)
        member.seek(position)


@library_reducer("tarfile", "ExFileObject")
def _extracted(pickler: StatePickler, file: Any) -> Reduced:
    return make, ("tarfile", "ExFileObject"), (file.raw, file.tell()), None, None, set_extracted


def set_extracted(file: Any, state: tuple[Any, int]) -> None:
    raw, position = state
    io.BufferedReader.__init__(file, raw)
    file.seek(position)
