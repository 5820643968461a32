"""What every part of this program uses: where the emulator is, and how an outcome is printed."""

import os

CONNECTION = os.environ["EMULATOR_CONNECTION"]
HUB = os.environ["EMULATOR_HUB"]
# A hub with nothing in it at the start.
EMPTY_HUB = os.environ["EMULATOR_EMPTY_HUB"]


def print_outcome(name, error=None):
    if error is None:
        print(f"works {name}", flush=True)
    else:
        print(f"fails {name} {type(error).__name__}: {str(error)!r}", flush=True)


def feature(name, run):
    try:
        run()
        print_outcome(name)
    except Exception as error:  # Whatever went wrong, the next feature is tried.
        print_outcome(name, error)
