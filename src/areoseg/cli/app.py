"""The command `areoseg`: what it offers, and how it ends."""

import os
import sys

from cyclopts import App, CycloptsError

from areoseg.errors import AreosegError
from areoseg.version import __version__

BAD_INPUT = 2
INTERRUPTED = 130  # what a shell calls an end by Ctrl-C

# Commands are named, not imported, so that help answers without loading PyTorch.
COMMANDS = {
    "demo": "areoseg.cli.demo:demo",
    "audit": "areoseg.cli.audit:audit",
    "train": "areoseg.cli.train:train",
    "evaluate": "areoseg.cli.evaluate:evaluate",
    "compare": "areoseg.cli.compare:compare",
    "baseline": "areoseg.cli.baseline:baseline",
    "predict": "areoseg.cli.predict:predict",
    "submit": "areoseg.cli.submit:submit",
    "recipes": "areoseg.cli.recipes:recipes",
    "validate": "areoseg.cli.validate:validate",
    "augment": "areoseg.cli.augment:augment",
    "models": "areoseg.cli.models:models",
}

app = App(
    name="areoseg",
    help="Mars terrain segmentation, trained from scratch.",
    version=__version__,
    help_format="markdown",
    suppress_keyboard_interrupt=False,  # main says it and chooses the exit code
)
for name, target in COMMANDS.items():
    app.command(target, name=name)


def main() -> None:
    """Run the command line; a user's mistake is one line on standard error and exit code 2."""
    try:
        app(exit_on_error=False, print_error=False)
    except (AreosegError, CycloptsError) as error:
        _say(str(error))
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        _say("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(message: str) -> None:
    for line in message.strip().splitlines():
        print(f"areoseg: {line.strip()}", file=sys.stderr)
