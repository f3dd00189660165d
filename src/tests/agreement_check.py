"""Compiles originals and outputs, and prints where one is accepted and the other is not."""

import sys


def problem(path: str) -> str:
    """What Python says against a file; nothing, if it compiles."""
    with open(path, "rb") as file:
        source = file.read()
    try:
        compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


with open(sys.argv[1], encoding="utf-8") as pairs:
    for pair in pairs:
        original, output = pair.rstrip("\n").split("\t")
        against = problem(original)
        if output and against:
            print(f"{original}: accepted, but Python says: {against}")
        elif output and problem(output):
            print(f"{original}: its output does not compile: {problem(output)}")
        elif not output and not against:
            print(f"{original}: refused, but Python accepts it")
