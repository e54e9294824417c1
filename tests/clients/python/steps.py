"""Steps of a client's program: each says on a line whether it passed, and a failed one does not hide the next."""

import sys
import time
import traceback

class Steps:
    """Runs functions, and remembers which failed."""

    def __init__(self):
        self.failed = 0

    def step(self, name):
        """Decorator: runs the function at once as the step of this name."""

        def run(function):
            try:
                function()
                print(f"ok {name}", flush=True)
            except Exception as error:
                self.failed += 1
                traceback.print_exc()
                print(f"FAIL {name}: {type(error).__name__}: {error}".replace("\n", " ")[:400], flush=True)

        return run

    def end(self):
        sys.exit(1 if self.failed else 0)


def wait_until(what, condition, limit_s=20, every_s=0.05):
    """Returns what the condition says once that is true."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(every_s)
    raise AssertionError(f"not within {limit_s} s: {what}")


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def refused(call):
    """The code of the error that botocore raises here."""
    try:
        call()
    except Exception as error:
        return error.response["Error"]["Code"]
    raise AssertionError("it was not refused")
