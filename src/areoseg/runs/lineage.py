"""Training lineage: the samples that weights were trained on, including earlier runs."""

from collections.abc import Iterable, Mapping, Sequence

from areoseg.errors import AreosegError
from areoseg.runs.info import InitialWeights, TrainedOn
from areoseg.runs.run import Run


def count_trained_on(runs: Iterable[Run], names: Iterable[str]) -> int:
    """Count the names that occur among the samples that the weights of runs were trained on."""
    seen = {name for run in runs for each in run.trained_on for name in each.names}
    return sum(name in seen for name in names)


def check_not_trained_on(runs: Iterable[Run], fingerprint: str) -> None:
    """Check that the initial weights of runs were not trained on a dataset.

    Args:
        runs: Runs that may have started from the weights of others.
        fingerprint: Hash of the labeled samples to score.

    Raises:
        AreosegError: The initial weights of a run were trained on these samples.
    """
    for run in runs:
        if any(each.fingerprint == fingerprint for each in run.info.previously_trained_on):
            raise AreosegError(
                f"cannot score {run.path} on these data: its initial weights were trained on them;"
                " score it on other data"
            )


def check_held_out(
    start: Run, split: Mapping[str, Sequence[str]], fingerprint: str
) -> tuple[str, ...]:
    """Check that a run was not trained on the samples that a new training holds out.

    Args:
        start: The run whose weights the training starts from.
        split: Names of the samples in `val` and `test` of the new training.
        fingerprint: Hash of its labeled samples.

    Returns:
        Notes for the user: the number of held-out samples with names of earlier training samples,
        if the dataset is another one.

    Raises:
        AreosegError: The dataset is the same, and the run was trained on held-out samples.
    """
    held_out = [*split["val"], *split["test"]]
    seen = {
        name for each in start.trained_on if each.fingerprint == fingerprint for name in each.names
    }
    if both := seen.intersection(held_out):
        raise AreosegError(
            f"cannot start from {start.path}: it was trained on {len(both)} of the samples that are"
            " held out here; use its split: the same section split and the same --groups"
        )
    known = count_trained_on([start], held_out)
    if not known:
        return ()
    return (
        f"{known} of the held-out samples have the names of samples that {start.path} was trained"
        " on: if they are the same samples, the scores are too high",
    )


def describe_initial_weights(start: Run) -> InitialWeights:
    """Describe a run as the source of initial weights, with its total training time."""
    before = start.info.initial_weights
    return InitialWeights(
        run=str(start.path),
        weights_sha256=start.weights_sha256,
        commands=start.commands,
        training_seconds=(before.training_seconds if before else 0.0)
        + (start.info.training_seconds or 0.0),
        self_training=start.info.self_training or (before.self_training if before else None),
    )


def previously_trained_on(runs: Iterable[Run]) -> list[TrainedOn]:
    """Collect the samples that the initial weights of runs were trained on, once per dataset."""
    before: list[TrainedOn] = []
    for run in runs:
        before += [each for each in run.info.previously_trained_on if each not in before]
    return before
