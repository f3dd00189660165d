"""What a start costs: ``heresy run hello.py`` beside ``python hello.py``, to the end of the process.

    python benches/start.py --heresy target/release/heresy --python python3.13 [--pairs 40]

*Warm*: the script was run before. *Cold*: the cache is empty, so that the runtime is laid out and compiled, and the script
transpiled. Pairs in turns (see `pairs`); medians, in milliseconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pairs import turns


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="an interpreter; may be given several times")
    parser.add_argument("--pairs", type=int, default=40)
    options = parser.parse_args()
    heresy = os.path.abspath(options.heresy)
    for python in options.python:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "hello.py").write_text('print("hello")\n')
            environ = dict(os.environ, XDG_CACHE_HOME=str(folder / "cache"), XDG_CONFIG_HOME=str(folder / "config"))

            def took(*words: str, folder: Path = folder, environ: dict[str, str] = environ) -> float:
                start = time.perf_counter()
                subprocess.run([*words, "hello.py"], cwd=folder, env=environ, stdout=subprocess.DEVNULL, check=True)
                return time.perf_counter() - start

            run = (heresy, "run", "--python", python)

            def cold(folder: Path = folder, environ: dict[str, str] = environ, run: tuple[str, ...] = run) -> float:
                # Each has its own: to remove the one before keeps the disk busy.
                environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(dir=folder)
                return took(*run)

            colds = turns(lambda: took(python), cold, max(options.pairs // 4, 5))
            warms = turns(lambda: took(python), lambda run=run: took(*run), options.pairs)
        for what, found in ("warm", warms), ("cold", colds):
            over = 1000 * statistics.median(other - plain for plain, other in found)
            plain = 1000 * statistics.median(plain for plain, _ in found)
            print(f"{python} {what}: {over:.1f} ms over {plain:.1f} ms", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
