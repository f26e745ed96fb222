"""Model cards of bundles in Markdown: intended use, scores, training and limitations.

After Mitchell et al. 2019, "Model Cards for Model Reporting", arXiv 1810.03993.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from areoseg.errors import plural
from areoseg.inference.resampling import trained_scale
from areoseg.runs.run import SCORES, WEIGHTS, Run
from areoseg.utils.files import read_json_object

SPLITS = {"test": "test", "val": "validation"}
"""The scored splits and their names in the card."""

RARE_SHARE = 0.01
"""Share of training pixels below which a class is rare."""


def model_card(run: Run) -> str:
    """Return the card of a bundle."""
    scores = read_json_object(run.path / SCORES) if (run.path / SCORES).is_file() else {}
    sections = [
        _head(run),
        "## Use\n\n" + _use(run),
        "## Scores\n\n" + _scores(run, scores),
        "## Training\n\n" + _training(run),
        "## Weights\n\n" + _weights(run),
        "## Limits\n\n" + _limits(run, scores),
        "## License\n\n" + _license(run),
    ]
    return "\n\n".join(sections) + "\n"


def _head(run: Run) -> str:
    model = run.info.model
    height, width = model.size
    return (
        f"# {run.name}\n\n{run.recipe.summary}. A `{run.recipe.model.name}` of"
        f" {model.parameters / 1e6:.2f} million parameters and {model.macs / 1e9:.2f} GMAC per"
        f" image of {height}x{width} pixels, trained from scratch. Each pixel of a gray image"
        f" is classified as one of: {', '.join(run.taxonomy.names)}."
    )


def _use(run: Run) -> str:
    return (
        "```\n"
        f"areoseg predict photos/ --model {run.name} --out masks\n"
        f"areoseg evaluate {run.name} --data DATA\n"
        f"areoseg export {run.name} --format onnx --out {run.name}.onnx\n"
        "```"
    )


def _scores(run: Run, scores: Mapping[str, Any]) -> str:
    """Return two tables: mean IoU by protocol, and IoU by class under the headline protocol."""
    splits = {name: scores[split] for split, name in SPLITS.items() if scores.get(split)}
    if not splits:
        return "No split was held out, so there are none."
    heads = [f"{name}, {found['images']} images" for name, found in splits.items()]
    protocols = _rows("protocols", "score", list(splits.values()))
    classes = _rows("classes", "iou", list(splits.values()))
    headline = next(iter(splits.values()))["protocol"]
    choice = {
        "best": "The checkpoint was chosen on the validation split, so its scores are too high.",
        "last": "The weights are those of the last step; no split chose them.",
    }[run.recipe.training.checkpoint]
    return (
        f"Mean IoU over all pixels of a split, with 95 % bootstrap intervals. {choice}\n\n"
        f"{_table(['protocol', *heads], protocols)}\n\n"
        f"IoU by class, protocol `{headline}`:\n\n{_table(['class', *heads], classes)}"
    )


def _rows(section: str, key: str, splits: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    """Yield one row per entry of a section of the scores, with one figure per split."""
    for name in splits[0][section]:
        figures = [_with_interval(split[section][name], key) for split in splits]
        if any(figure != "-" for figure in figures):  # a protocol may exclude a class
            yield [name, *figures]


def _training(run: Run) -> str:
    data = run.info.data
    held = ", ".join(f"{len(run.split.get(split, ()))} in {name}" for split, name in SPLITS.items())
    groups = f" in {data.groups} groups, which are never split" if data.groups else ""
    lines = [
        f"- Data: {data.source.paths}: {data.labeled} labeled samples{groups};"
        f" {data.rejected} rejected by the audit, {len(run.split['train'])} trained on, {held}.",
        f"- Shares of the training pixels: {_shares(data.training_shares)}.",
    ]
    seconds = run.info.training_seconds
    if seconds:
        lines.append(
            f"- Time: {seconds / 60:.0f} minutes for {run.info.steps or 'all'} steps, on"
            f" {plural(run.info.threads, 'thread')} of a {run.info.device} in"
            f" {run.info.precision}."
        )
    start = run.info.initial_weights
    if start is not None:
        minutes = start.training_seconds / 60
        lines.append(
            f"- Started from the weights of {start.run}, trained for {minutes:.0f} minutes before."
        )
    if run.info.calibration is not None:
        lines.append(
            "- Calibrated on the validation split, whose scores are therefore slightly too high."
        )
    if run.info.soup is not None:
        names = (each.name for each in run.info.soup.ingredients if each.selected)
        lines.append(f"- The weights are the mean of the runs {', '.join(names)}.")
    teaching = run.info.self_training or (start and start.self_training)
    if teaching:
        lines.append(
            f"- Also trained on pseudo-labels of the runs {', '.join(teaching.teachers)} for"
            f" {teaching.samples} unlabeled samples."
        )
        if teaching.training_seconds:
            minutes = teaching.training_seconds / 60
            lines.append(f"- The teachers were trained for {minutes:.0f} minutes before.")
    if run.info.command:
        commands = run.commands
        if run.calibrated_later:
            commands.append("areoseg calibrate RUN    # the folder that --out names")
        lines += ["", "To reproduce it:", "", "```", *commands, "```"]
    lines += ["", "`recipe.yaml` beside this card has all hyperparameters."]
    if run.info.budget_seconds and run.info.self_training is None:
        lines.append(
            "With a time budget, the number of steps depends on the machine; with"
            f" `--plan {run.name}` instead of `--budget` it is that of this run."
        )
    return "\n".join(lines)


def _weights(run: Run) -> str:
    bundle = run.info.bundle
    assert bundle is not None
    size = (run.path / WEIGHTS).stat().st_size / 1e6
    return (
        f"`{WEIGHTS}`, {size:.1f} MB: filters in float16, vectors in float32. Compared with"
        f" the float32 weights (sha256 {bundle.weights_sha256}), on {bundle.compared_on}:"
        f" {bundle.equal_pixels:.3%} of the pixels are equal, `terrain` is {bundle.terrain:.4f}"
        f" instead of {bundle.terrain_of_run:.4f}."
    )


def _limits(run: Run, scores: Mapping[str, Any]) -> str:
    scale = trained_scale(run)
    lines = [
        "- The scores hold for images like those of the training. Other cameras, sites, light and"
        " dust are not tested.",
        "- The labels were drawn by people and are subjective, and so are the scores. Do not drive"
        " by these masks alone.",
    ]
    if scale is not None:
        lines.append(
            f"- It was trained at {scale:g} of the scale of a full Navcam frame. Images of other"
            " cameras need `--camera` or `--scale`."
        )
    if run.recipe.data.background == "void":
        background = run.taxonomy.names[run.taxonomy.background]
        lines.append(
            f"- It never predicts {background}: sky, rover and unlabeled pixels are assigned the"
            " most similar terrain class."
        )
    if run.info.background is not None:
        found = run.info.background
        lines.append(
            f"- A background gate answers sky, rover and distant terrain as background where its"
            f" probability exceeds {found.threshold:g}. On the validation split this gives up"
            f" {found.lost_ground or 0:.2%} of the labeled ground."
        )
    shares = run.info.data.training_shares
    rare = [name for name, share in shares.items() if share < RARE_SHARE]
    if rare:
        lines.append(
            f"- Rare in the training data: {', '.join(rare)}. Expect low recall and wide intervals."
        )
    return "\n".join(lines)


def _license(run: Run) -> str:
    bundle = run.info.bundle
    assert bundle is not None
    credit = f" Training data: {bundle.credit.rstrip('.')}." if bundle.credit else ""
    return f"Weights: {bundle.license}.{credit}"


def _with_interval(entry: Mapping[str, Any], key: str) -> str:
    if entry[key] is None:
        return "-"
    low, high = entry["interval"]
    return f"{entry[key]:.3f}" + ("" if low is None else f" ({low:.3f} to {high:.3f})")


def _shares(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.2%}" for name, share in shares.items())


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows))
