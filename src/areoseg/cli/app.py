"""The command `areoseg`: what it offers, and how it ends."""

import os
import sys
from collections.abc import Callable

from cyclopts import App
from cyclopts import CycloptsError

from areoseg.cli.audit import audit
from areoseg.cli.augment import augment
from areoseg.cli.baseline import baseline
from areoseg.cli.bench import bench
from areoseg.cli.bundle import bundle
from areoseg.cli.calibrate import calibrate
from areoseg.cli.compare import compare
from areoseg.cli.components import components
from areoseg.cli.demo import demo
from areoseg.cli.evaluate import evaluate
from areoseg.cli.export import export
from areoseg.cli.models import models
from areoseg.cli.predict import predict
from areoseg.cli.recipes import recipes
from areoseg.cli.search import search
from areoseg.cli.self_train import self_train
from areoseg.cli.soup import soup
from areoseg.cli.submit import submit
from areoseg.cli.train import train
from areoseg.cli.validate import validate
from areoseg.errors import AreosegError
from areoseg.errors import one_line
from areoseg.utils.plugins import allow_plugins
from areoseg.version import __version__

BAD_INPUT = 2
ALLOW_PLUGINS = "--allow-plugins"
"""The option of every command that runs the plugin files of run folders."""

INTERRUPTED = 130  # what a shell calls an end by Ctrl-C

# Their modules load PyTorch only when they are called, so that help answers at once.
COMMANDS: dict[str, Callable[..., None]] = {
    command.__name__.replace("_", "-"): command
    for command in (
        demo,
        audit,
        train,
        evaluate,
        compare,
        search,
        calibrate,
        soup,
        self_train,
        baseline,
        predict,
        submit,
        export,
        bundle,
        bench,
        recipes,
        components,
        validate,
        augment,
        models,
    )
}
"""The commands by name, in the order in which help lists them."""

app = App(
    name="areoseg",
    help="Mars terrain segmentation, trained from scratch.",
    help_epilogue="Every command takes `--allow-plugins`: run the plugin files that run folders"
    " bring along. They are code; read them first.",
    version=__version__,
    help_format="markdown",
    suppress_keyboard_interrupt=False,  # main says it and chooses the exit code
)
for position, (name, command) in enumerate(COMMANDS.items()):
    app.command(command, name=name, sort_key=position)


def main() -> None:
    """Run the command line; a user's mistake is one line on standard error and exit code 2."""
    words = sys.argv[1:]
    if ALLOW_PLUGINS in words:
        words.remove(ALLOW_PLUGINS)
        allow_plugins()
    try:
        app(words, exit_on_error=False, print_error=False)
    except (AreosegError, CycloptsError) as error:
        _say(str(error))
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        _say("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # the machine, not the program: a full disk, a folder taken away
        _say(f"{error.filename}: {one_line(error)}" if error.filename else one_line(error))
        sys.exit(BAD_INPUT)


def _say(message: str) -> None:
    for line in message.strip().splitlines():
        print(f"areoseg: {line.strip()}", file=sys.stderr)
