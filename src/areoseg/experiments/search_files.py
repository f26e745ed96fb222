"""The files of a search: `best.yaml`, `trials.csv`, `search.html` and small trial folders."""

import csv
import io
import shlex

import yaml

from areoseg import __version__
from areoseg.experiments.search_results import MIN_TRIALS, Search, TrialRecord
from areoseg.experiments.storage import trial_folder
from areoseg.experiments.trial import BEST_FILES, SMALL_FILES, SearchContext, keep_files
from areoseg.recipes import dump_recipe, load_recipe
from areoseg.report.charts import trial_chart
from areoseg.report.formats import page_environment
from areoseg.report.pictures import svg_uri
from areoseg.runs.run import RECIPE
from areoseg.utils.files import csv_cells, write_text

BEST = "best.yaml"
TABLE = "trials.csv"
PAGE = "search.html"
SHOWN = 10
"""Number of trials in the page's table of best trials."""


def write_search(search: Search, context: SearchContext) -> None:
    """Write all files of a search; remove the weights of all trials except the best."""
    write_text(search.out / TABLE, csv_text(search))
    if search.best is not None:
        write_text(search.out / BEST, best_recipe_text(search, search.best, context))
    write_text(search.out / PAGE, search_page(search, context))
    for trial in search.trials:
        if trial.state != "running":
            names = BEST_FILES if trial == search.best else SMALL_FILES
            keep_files(trial_folder(search.out, trial.number), names)


def best_recipe_text(search: Search, best: TrialRecord, context: SearchContext) -> str:
    """Return the recipe of the best trial, with its score, values and command as comments."""
    folder = trial_folder(search.out, best.number)
    recipe = load_recipe(folder / RECIPE, plugins="if-allowed")
    recipe = recipe.model_copy(update={"plugins": context.recipe.base.plugins})
    lines = [
        f"Trial {best.number}, the best of {len(search.trials)} ({search.counts}):",
        f"{search.protocol} score {best.score:.4f} on the validation split. The best of many scores"
        " is biased",
        "upwards; the test split was not used and gives an unbiased score.",
        *(f"  {name}: {text}" for name, text in best.values.items()),
        train_command(search, context),
    ]
    return "".join(f"# {line}\n" for line in lines) + dump_recipe(recipe)


def train_command(search: Search, context: SearchContext) -> str:
    """Return the command that trains the best recipe with the settings of its trial."""
    words = ["areoseg", "train", str(search.out / BEST), *context.runner.source.arguments]
    if context.runner.exclusions is not None:
        words += ["--decisions", str(context.runner.exclusions.path)]
    if context.seconds is not None:
        words += ["--budget", f"{context.seconds:g}s"]
    return shlex.join([*words, "--out", "runs/best"])


def csv_text(search: Search) -> str:
    """Return the trials as CSV, one line per trial."""
    names = list(dict.fromkeys(name for trial in search.trials for name in trial.values))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["trial", "state", "score", "seconds", "progress", *names, "reason"])
    for trial in search.trials:
        info = [trial.number, trial.state, trial.score, trial.seconds, trial.progress]
        values = [trial.values.get(name) for name in names]
        writer.writerow(csv_cells([*info, *values, trial.reason]))
    return file.getvalue()


def search_page(search: Search, context: SearchContext) -> str:
    """Return the page as a self-contained HTML file: scores, importances and trials."""
    space = context.recipe.space
    chart = trial_chart(_scores(search, "complete"), _scores(search, "pruned"))
    return (
        page_environment()
        .get_template("search.html.j2")
        .render(
            name=search.out.resolve().name,
            recipe=context.recipe,
            search=search,
            names=list(space.entries),
            space={name: str(entry) for name, entry in space.entries.items()},
            chart=None if chart is None else svg_uri(chart),
            shown=SHOWN,
            min_trials=MIN_TRIALS,
            seconds=context.seconds,
            source=context.runner.source,
            command=train_command(search, context),
            base_text=yaml.safe_dump(yaml.safe_load(context.recipe.text), sort_keys=False),
            version=__version__,
        )
    )


def _scores(search: Search, state: str) -> dict[int, float]:
    """Return the scores of the trials in a state, by number."""
    return {
        trial.number: trial.score
        for trial in search.trials
        if trial.state == state and trial.score is not None
    }
