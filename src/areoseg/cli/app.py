"""The command `areoseg`: its commands and exit codes."""

import io
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from cyclopts import App, CycloptsError, Parameter, UnknownCommandError

from areoseg import __version__
from areoseg.cli.show import notes
from areoseg.errors import AreosegError, did_you_mean, one_line
from areoseg.utils.plugins import allow_plugins
from areoseg.utils.signals import ending_in_order, received

BAD_INPUT = 2
KILLED = 128  # plus the number of the signal, as shells count

ALLOW_PLUGINS = "--allow-plugins"
"""Option of every command that allows executing the plugin files of run folders."""

COMMANDS = {
    "demo": "Train and evaluate a small network on synthetic Mars images; needs no data.",
    "data": "List known datasets, draft a dataset description, or check a dataset.",
    "audit": "Find outliers, duplicates, leaks and suspicious masks in a dataset.",
    "train": "Train a network on a dataset by a recipe, evaluate it, and write a report.",
    "evaluate": "Evaluate a model, or an ensemble of models, on labeled samples.",
    "predict": "Segment images: write masks, overlays, and a table of terrain shares.",
    "gather": "Join the parts of a prediction that several jobs wrote.",
    "serve": "Run a web page and an HTTP service that segment images.",
    "suggest": "Rank unlabeled images by how much their labels would help a model.",
    "labels": "Exchange masks with Label Studio, CVAT and napari.",
    "export": "Export a model to ONNX or OpenVINO, after checking that it predicts the same.",
    "compare": "Train every row of a study with several seeds and tabulate the scores.",
    "search": "Search for the hyperparameters with the best validation score.",
    "calibrate": "Calibrate the confidences of a run, and fit offsets for rare classes.",
    "soup": "Average the weights of several runs (greedy model soup).",
    "self-train": "Pseudo-label unlabeled images with trained runs, and train a new run on them.",
    "baseline": "Evaluate simple baselines on the split that training would use.",
    "submit": "Segment the unlabeled images of an npz file and write the homework's CSV file.",
    "bundle": "Create a small run folder for distribution, with a model card.",
    "bench": "Measure speed and memory of the inference backends.",
    "recipes": "List, show or copy recipes.",
    "components": "List losses, optimizers, schedules and augmentations that recipes can use.",
    "models": "List the models, or the layers of one model.",
    "validate": "Check a recipe and print all of its values.",
    "augment": "Draw what the augmentation of a recipe does to samples.",
}
"""The commands and their summaries, in the order of `areoseg --help`.

A command is the function of the same name in `areoseg.cli`; its module is imported when it is
called.
"""

app = App(
    name="areoseg",
    help="Segment the terrain in images of Mars rovers. Start with `areoseg demo`.",
    version=__version__,
    help_epilogue="Every command accepts `--allow-plugins`, which executes the plugin files in run"
    " folders. They are code; read them first.",
    help_format="markdown",
    default_parameter=Parameter(negative=()),
    suppress_keyboard_interrupt=False,  # main prints a line and chooses the exit code
)
for position, (name, summary) in enumerate(COMMANDS.items()):
    function = name.replace("-", "_")
    app.command(f"areoseg.cli.{function}:{function}", name=name, help=summary, sort_key=position)
app.register_install_completion_command()


def main() -> None:
    """Run the command line; user errors give one line on standard error and exit code 2."""
    tokens = [_with_home(token) for token in sys.argv[1:]]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names may not be UTF-8
    if ALLOW_PLUGINS in tokens:
        tokens.remove(ALLOW_PLUGINS)
        allow_plugins()
    for command in COMMANDS.keys() & tokens[:1]:
        app[command].help = None  # its own help shows its docstring instead
    try:
        with ending_in_order():
            app(tokens, exit_on_error=False, print_error=False)
            if sys.stdout is not None:  # here, where a closed pipe is handled
                sys.stdout.flush()
    except UnknownCommandError as error:
        unknown = error.unused_tokens[0] if error.unused_tokens else tokens[0]
        _print_error(f"there is no command {unknown!r}: {did_you_mean(unknown, COMMANDS)}")
        sys.exit(BAD_INPUT)
    except (AreosegError, CycloptsError) as error:
        _print_error(str(error))
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        _end_interrupted()
    except BrokenPipeError:  # the reader of a pipe (for example `head`) has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # for example a full disk, or a folder removed in the meantime
        _print_error(f"{error.filename}: {one_line(error)}" if error.filename else one_line(error))
        sys.exit(BAD_INPUT)
    except Exception:
        if not received:
            raise
        _end_interrupted()  # libraries may turn an interruption into an error of theirs


def _end_interrupted() -> NoReturn:
    """End the process with the exit code that shells use for the signal."""
    number = received[0] if received else signal.SIGINT
    _print_error("interrupted" if number == signal.SIGINT else f"ended by {number.name}")
    sys.exit(KILLED + number)


def _with_home(token: str) -> str:
    """Replace `~` in `--out=~/masks`, which shells leave as it is."""
    option, equals, value = token.partition("=")
    if equals and option.startswith("--") and value.startswith("~"):
        return f"{option}={Path(value).expanduser()}"
    return token


def _print_error(message: str) -> None:
    notes.print(f"error: {' '.join(message.split())}", markup=False)
