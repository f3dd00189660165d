"""Checkpoint files that were altered: each is refused with a clear message, and nothing of it is unpickled.

    python mutations.py --heresy target/release/heresy --python python3.13 [--files 20000] [--seed 1]

Checkpoints of two programs, compressed and not, are altered at random: bits flipped, bytes replaced, cut off, doubled, moved,
parts exchanged with those of the other program, marked as of another format, and made again with checksums that fit, by
somebody without the key. What the runtime's reader says of each is looked at in this process: it unpickles nothing. Some also
go through ``heresy resume`` and ``heresy inspect``, which must end by a diagnostic, and by no crash.

All of that is done with `--trust`, too, for which a fitting checksum is enough: there the reader has to give what is in the
file, or to refuse.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "runtime"))
from heresy import _checkpoint  # noqa: E402
from heresy._digest import digest_of  # noqa: E402
from heresy._errors import HeresyError  # noqa: E402

TIMEOUT = 60

PROGRAMS = {
    "small": "import heresy, os\nname, total = 'small', [1, 2, 3]\nheresy.checkpoint()\nos.kill(os.getpid(), 9)\n",
    "large": "import heresy, os\nrows = {str(i): [i] * 3 for i in range(3000)}\nheresy.checkpoint()\nos.kill(os.getpid(), 9)\n",
}

#: What a refusal may be: unreadable, foreign, damaged, another's.
REFUSALS = {"H301", "H302", "H303", "H306"}


class Altered(Exception):
    """An altered checkpoint was believed, or refused in another way than it should be."""


def made(folder: Path, heresy: str, python: str) -> list[bytes]:
    """The checkpoints to alter."""
    files = []
    for name, text in PROGRAMS.items():
        (folder / f"{name}.py").write_text(text)
        for compress in "fast", "none":
            command = [heresy, "run", "--fresh", "--python", python, "--compress", compress, f"{name}.py"]
            subprocess.run(command, cwd=folder, capture_output=True, timeout=TIMEOUT)
            (file,) = (folder / ".heresy").glob(f"{name}-*.ckpt")
            files.append(file.read_bytes())
    return files


# --- ways to alter a file -----------------------------------------------------------------------------------------------


def flipped(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    altered = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        altered[rng.randrange(len(altered))] ^= 1 << rng.randrange(8)
    return bytes(altered)


def in_head(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A flipped bit in what is read before the payload."""
    at = rng.randrange(data.index(b"\n", data.index(b"\n") + 1) + 1)
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def overwritten(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(rng.randint(1, 64)) + data[at:]


def cut(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] if rng.random() < 0.5 else data[:start] + data[start + rng.randint(1, 100) :]


def longer(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    return data + rng.choice((b"\0", b"\n", data, rng.randbytes(rng.randint(1, 200))))


def swapped(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Two stretches that change places."""
    a, b, c, d = sorted(rng.sample(range(len(data) + 1), 4))
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def spliced(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """The beginning of one checkpoint, the rest of another; often cut where their parts end."""
    other = rng.choice(others)
    at = rng.choice((*_ends(data), rng.randrange(len(data))))
    return data[:at] + other[rng.choice((*_ends(other), rng.randrange(len(other)))) :]


def other_format(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    number = rng.choice((b"0", b"1", b"3", b"5", b"10", b"-2", b"2.0", b"", b"x" * 40))
    return data.replace(b"heresy checkpoint 4", b"heresy checkpoint " + number, 1)


def forged(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Code in the place of the payload, with all checksums that one can make without the key."""
    _, text, _ = data.split(b"\n", 2)
    code = pickle.dumps((os.system, ("exit 1",))) + rng.randbytes(8)
    manifest = {**json.loads(text), "number": rng.randrange(9)}
    manifest["parts"] = [{"bytes": len(code), "raw": len(code), "blake2b": digest_of([code])}]
    return _with_manifest(json.dumps(manifest, separators=(",", ":")).encode(), code, data[-32:])


def odd_manifest(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A manifest with something else in it than there should be; its checksum fits."""
    _, text, rest = data.split(b"\n", 2)
    manifest = json.loads(text)
    odd = rng.choice((None, -1, 1e300, 10**30, "", "x" * 99, [], {}, [[]], [{}], {"bytes": -1}, True))
    key = rng.choice((*manifest, "parts", "parts"))
    if key == "parts" and rng.random() < 0.7:
        manifest["parts"][0][rng.choice(("bytes", "raw", "blake2b"))] = odd
    else:
        manifest[key] = odd
    return _with_manifest(json.dumps(manifest, separators=(",", ":")).encode(), rest, b"")


def _with_manifest(text: bytes, *rest: bytes) -> bytes:
    return b"heresy checkpoint 4 %s\n%s\n%s" % (digest_of([text], 4).encode(), text, b"".join(rest))


def _ends(data: bytes) -> tuple[int, ...]:
    first = data.index(b"\n") + 1
    return first, data.index(b"\n", first) + 1, len(data) - 32


WAYS: list[Callable[[bytes, list[bytes], random.Random], bytes]] = [
    flipped, in_head, overwritten, cut, longer, swapped, spliced, other_format, forged, odd_manifest,
]  # fmt: skip


def altered(files: list[bytes], seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Altered files, and the name of each."""
    for number in range(seed, seed + count):
        rng = random.Random(number)
        way = WAYS[number % len(WAYS)]
        data = rng.choice(files)
        changed = way(data, files, rng)
        if changed not in files:
            yield f"{way.__name__} {number}", changed


# --- who looks at it --------------------------------------------------------------------------------------------------


def read(file: Path, environ: dict[str, str], whole: set[bytes], *, trust: bool) -> None:
    """What the runtime does with a file before it unpickles."""
    try:
        _, payload = _checkpoint.read(_checkpoint.Reading(str(file)), environ=environ, trust=trust)
    except HeresyError as error:
        if error.code not in REFUSALS or not error.why and error.code == "H303":
            raise Altered(f"refused as {error.code}: {error.title}") from None
        return
    if not trust:
        raise Altered("was believed")
    if b"".join(payload) not in whole:
        raise Altered("with --trust, another payload than any")


def asked(command: list[str], folder: Path, environ: dict[str, str], *, fits: bool) -> None:
    """What a command does with it.

    Args:
        fits: its checksums do, so that more of it is looked at: its script may not be there, `inspect` may show it.
    """
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=TIMEOUT)
    refused = re.findall(r"error\[(H\d+)\]", done.stderr)
    is_shown = fits and command[1] == "inspect" and done.returncode == 0
    is_refused = done.returncode in (1, 2) and len(refused) == 1 and (fits or refused[0] in REFUSALS)
    if not (is_shown or is_refused) or "Traceback" in done.stderr:
        raise Altered(f"{command[1]}: status {done.returncode}, {done.stdout} {done.stderr}")


def _is_signature_all(data: bytes, files: list[bytes]) -> bool:
    """Whether nothing but the signature is another one."""
    return any(data[:-32] == file[:-32] and len(data) == len(file) for file in files)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that makes the checkpoints")
    parser.add_argument("--files", type=int, default=20000, help="how many altered ones")
    parser.add_argument("--commands", type=int, default=100, help="how many of them go through the commands")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    heresy = os.path.abspath(options.heresy)
    problems, counted = [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        environ = dict(os.environ, XDG_CONFIG_HOME=str(folder / "config"), XDG_CACHE_HOME=str(folder / "cache"))
        os.environ.update(environ)
        files = made(folder, heresy, options.python)
        file = folder / "altered.ckpt"
        payloads = set()
        for data in files:
            file.write_bytes(data)
            payloads.add(b"".join(_checkpoint.read(_checkpoint.Reading(str(file)), environ=environ)[1]))
        stride = max(1, options.files // options.commands)
        for name, data in altered(files, options.seed, options.files):
            counted += 1
            file.write_bytes(data)
            try:
                read(file, environ, payloads, trust=False)
                fits = name.startswith(("forged", "odd"))
                if not fits:
                    read(file, environ, payloads, trust=True)
                if counted % stride == 0:
                    asked([heresy, "resume", "--python", options.python, str(file)], folder, environ, fits=fits)
                    # A signature is nothing that `inspect` needs.
                    if fits or not _is_signature_all(data, files):
                        asked([heresy, "inspect", str(file)], folder, environ, fits=fits)
            except Altered as wrong:
                problems.append(f"{name}: {wrong}")
            except Exception as error:
                problems.append(f"{name}: {type(error).__name__}: {error}")
    for problem in problems[:40]:
        print(f"FAILED: {problem}")
    print(f"{counted} altered checkpoints, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
