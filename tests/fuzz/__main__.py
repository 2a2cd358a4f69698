"""Coverage-guided fuzzing of one decoder: ``python -m tests.fuzz NAME [-OPTIONS] [CORPUS]``.

The options are libFuzzer's.
Ends with status 0 when its time is over, with another one for a crash, a hang or too much memory.
"""

import sys

import atheris

with atheris.instrument_imports(include=["protocols.evidence"], enable_loader_override=False):
    from tests.fuzz.targets import TARGETS, run


def main() -> None:
    name, *options = sys.argv[1:]
    if name not in TARGETS:
        sys.exit(f"no target {name!r}; there are {', '.join(TARGETS)}")
    atheris.Setup([sys.argv[0], *options], lambda data: run(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
