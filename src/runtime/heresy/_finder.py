"""The runtime's own modules, compiled, in three files: what every start needs, what every continuation does, and the rest.

To import a module from a file of its own, the interpreter asks the file system a dozen questions; and where
``PYTHONDONTWRITEBYTECODE`` is set, as in many containers, it compiles the module in each process anew. A stop, and even more a
continuation, needs dozens of them. So a process keeps here what it had to compile, for those that come after it. The files are
in heresy's cache, beside the runtime; where there is no such folder (a runtime that stands beside what was transpiled), modules
are imported as ever. While a program runs this module is asleep: see `_bundle`.
"""

import _frozen_importlib
import _frozen_importlib_external as _external
import _imp
import marshal
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

#: Tells a file that was cut or damaged, or is of an interpreter with other bytecode, as those before a release have: with this
#: key its text gives the digest in front of it.
_KEY = int.from_bytes(_external.MAGIC_NUMBER, "little")
_DIGEST = 8
#: In each module of the runtime, and what it says, as a flag: the module of that name is imported for nothing else.
_FUTURE, _ANNOTATIONS = b"from __future__ import annotations\n", 0x1000000
_PACKAGES = ("heresy", "heresy.state")

#: The modules that a first start imports, in two halves: as `heresy run` asks an interpreter for its version first, that one
#: compiles the first half while the one that will run the program starts. That makes the run form, by the second half. On a
#: machine with two processors such a start takes two thirds of the time.
_FOR_ANOTHER = (
    "", "._start", "._messages", "._ends", "._like", "._stop", "._answer", "._signals", "._handling", "._baseline", "._tracing",
    "._unwinding", "._hook", "._hook_asked", "._launch", "._libraries", "._units", "._units_asked", "._failed",
    "._at_rest",
)  # fmt: skip
_FOR_ITSELF = (
    "._texts", "._run_form", "._tree", "._constants", "._marked", "._positions", "._quiet", "._pads", "._bytecode", "._cpython",
    "._typing_names",
)  # fmt: skip


class Bundle:
    """One of the files, and what it holds: marshalled code by the module's name."""

    def __init__(self, path: str, codes: dict[str, bytes] | None = None) -> None:
        self.path = path
        self._codes = codes
        self._added: dict[str, bytes] = {}

    def text(self, name: str) -> "bytes | None":
        if self._codes is None:
            self._codes = read(self.path)
        return self._codes.get(name) or self._added.get(name)

    def code(self, name: str) -> "CodeType | None":
        text = self.text(name)
        return None if text is None else marshal.loads(text)

    def read_again(self) -> None:
        """Another process has written it."""
        self._codes = None

    def add(self, name: str, text: bytes) -> None:
        self._added[name] = text

    def keep(self) -> None:
        """Writes what has been added, and forgets what was read: a program may run for days from here on."""
        if self._added:
            text = marshal.dumps({**read(self.path), **self._added})
            new = f"{self.path}.{os.getpid()}"
            try:
                with open(new, "wb") as file:
                    file.write(_imp.source_hash(_KEY, text) + text)
                os.replace(new, self.path)
            except OSError:
                # The cache cannot be written to, or is full: the next process compiles it once more.
                try:
                    os.unlink(new)
                except OSError:
                    pass
        self._codes, self._added = None, {}


def read(path: str) -> dict[str, bytes]:
    """What a file holds; nothing, if it is not there or not whole."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return {}
    text = data[_DIGEST:]
    return marshal.loads(text) if _imp.source_hash(_KEY, text) == data[:_DIGEST] else {}


class Finder:
    """Finds the runtime's modules.

    Args:
        folder: of the package.
        path: of the bundles, without what tells them apart.
        name: tells the one for what is imported now.
        codes: what is in it, if it has been read.
    """

    def __init__(self, folder: str, path: str, name: str, codes: "dict[str, bytes] | None" = None) -> None:
        self.folder = folder
        self.path = path
        self.current = Bundle(f"{path}.{name}", codes)

    def find_spec(self, name: str) -> "Any":
        place, path = self.place(name)
        is_package = name in _PACKAGES
        code = self.current.code(name)
        if code is None and not os.path.exists(path):
            return None
        # What the interpreter would find out of a path is of no use here, and takes its time.
        spec = _frozen_importlib.ModuleSpec(name, Loader(name, path, self, code), is_package=is_package)
        if is_package:
            spec.submodule_search_locations = [place]
        return spec

    def place(self, name: str) -> tuple[str, str]:
        """Where a module is: without suffix, as the folder of a package; and its file."""
        place = self.folder + name[len("heresy") :].replace(".", "/")
        return place, place + ("/__init__.py" if name in _PACKAGES else ".py")

    def compiled(self, name: str, path: str) -> "CodeType":
        """The code of a module, out of its file; it is kept."""
        with open(path, "rb") as file:
            text = file.read().replace(_FUTURE, b"\n", 1)
        code: CodeType = compile(text, path, "exec", _ANNOTATIONS, dont_inherit=True)
        self.current.add(name, marshal.dumps(code))
        return code

    def text(self, name: str) -> bytes:
        """The same, marshalled."""
        return self.current.text(name) or marshal.dumps(self.compiled(name, self.place(name)[1]))

    def go_on(self, name: str) -> None:
        """What is imported from here on is in another bundle."""
        self.current.keep()
        self.current = Bundle(f"{self.path}.{name}")

    def compile_for_another(self) -> None:
        """Compiles its half of what a start needs, and ends this process."""
        self._compile(_FOR_ANOTHER)
        self.current.keep()
        os._exit(0)

    def compile_with(self, another: str) -> None:
        """Compiles the other half, and waits for the process that does so with the first.

        Args:
            another: its number, and that of an open file that ends with it.
        """
        self._compile(_FOR_ITSELF)
        process, output = map(int, another.split())
        try:
            os.read(output, 1)
            os.close(output)
            # The program is to have no child that it does not know of.
            os.waitpid(process, 0)
        except OSError:
            pass  # a script has started this interpreter, as those of version switchers do, and has waited for all its children
        self.current.read_again()

    def _compile(self, names: tuple[str, ...]) -> None:
        for name in names:
            self.compiled("heresy" + name, self.place("heresy" + name)[1])


class Loader(_external.SourceFileLoader):
    def __init__(self, name: str, path: str, finder: Finder, code: "CodeType | None") -> None:
        super().__init__(name, path)
        self._finder = finder
        self._code = code

    def exec_module(self, module: "ModuleType") -> None:
        code, self._code = self._code, None
        if code is None:
            code = self._finder.compiled(self.name, self.path)
        module.__file__ = self.path
        exec(code, module.__dict__)
