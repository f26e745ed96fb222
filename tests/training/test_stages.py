"""Trainings of several stages: each its own, and the whole as repeatable as one without stages."""

import csv
import json

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from areoseg.data.load import read_source
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.recipes import load_recipe
from areoseg.taxonomy import MARS
from areoseg.training.in_memory import resume_on, train_on
from areoseg.training.loop import Trainer
from areoseg.training.plan import Budget, Plan
from areoseg.training.prepare import prepare
from areoseg.training.stages import (
    Stage,
    check_stages_not_empty,
    epoch_end,
    make_stages,
    stage_at,
    stage_end,
    without_rest,
)

QUIET = Console(quiet=True)

STAGES = {
    "another optimizer": "[{epochs: 2}, {epochs: 3, optimizer: sgd, augment: rigid}]",
    "the same optimizer": "[{epochs: 2}, {epochs: 3, augment: mild, schedule: constant}]",
    "another loss": "[{epochs: 2}, {epochs: 3, loss: {dice: 1}, class_weights: inverse}]",
    "a plateau": "[{epochs: 2}, {epochs: 3, schedule: {name: plateau, patience: 1}}]",
    "other data": "[{epochs: 2, data: {max_background: 0.4}}, "
    "{epochs: 3, data: {oversample_rare: 0.5}, optimizer: {accumulate: 2}}]",
}


@pytest.fixture
def run_stages(source, tmp_path, tiny):
    """Trains a tiny U-Net by stages."""

    def run(name, stages, *overrides, **options):
        given = [one for one in tiny if not one.startswith("training.epochs")]
        recipe = load_recipe("unet", [*given, f"stages={stages}", *overrides])
        return train_on(
            recipe, read_source(source), tmp_path / name, source=source, console=QUIET, **options
        )

    return run


def weights(run):
    return load_file(run.path / "weights.safetensors")


def equal(one, other):
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def curves(run):
    with (run.path / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("stages", STAGES.values(), ids=list(STAGES))
def test_a_killed_training_resumes_to_the_same_weights_in_every_stage(
    stages, run_stages, source, tmp_path, interrupted_at
):
    kept = ["training.checkpoint=last", "training.swa=0.3", "training.patience=0"]
    whole = run_stages("whole", stages, *kept)
    assert {row["stage"] for row in curves(whole)} == {"1.0", "2.0"}
    for validations in (2, 3):  # at the end of the first stage, and within the second
        killed = f"killed-after-{validations}"
        with interrupted_at(validations):
            run_stages(killed, stages, *kept)
        resumed = resume_on(tmp_path / killed, read_source(source), console=QUIET)
        assert equal(weights(whole), weights(resumed))
        assert curves(whole) == curves(resumed)


def test_a_single_stage_is_the_training_without_stages(run_stages):
    one = run_stages("one", "[{epochs: 3}]", "training.checkpoint=last")
    plain = run_stages("plain", "[]", "training.checkpoint=last", "training.epochs=3")
    assert equal(weights(one), weights(plain))
    assert curves(one) == curves(plain)
    assert "stage" not in curves(one)[0]


def test_a_stage_trains_by_its_own_values(run_stages):
    alike = run_stages("alike", "[{epochs: 2}, {epochs: 2}]")
    own = "[{epochs: 2}, {epochs: 2, loss: {dice: 1}, optimizer: {lr: 1e-4}}]"
    other = run_stages("other", own)
    before, after = curves(alike), curves(other)
    assert [row["loss/ce"] for row in after[:2]] == [row["loss/ce"] for row in before[:2]]
    assert [bool(row["loss/ce"]) for row in after] == [True, True, False, False]
    assert [bool(row["loss/dice"]) for row in after] == [False, False, True, True]
    rates = [float(row["lr"]) for row in after]
    assert rates[1] == rates[3] == 0  # each stage comes to the end of its cosine
    assert 0 < rates[2] < 1e-4 < rates[0]


@pytest.mark.parametrize(
    ("second", "goes_on"),
    [("augment: rigid", True), ("optimizer: {lr: 2e-3}", True), ("optimizer: {lr: 1e-3}", False)],
)
def test_the_optimizer_begins_anew_only_where_its_section_changes(
    run_stages, second, goes_on, monkeypatch
):
    step = Trainer.step
    remembered = []

    def noting(self, *batch):
        steps = {int(values["step"]) for values in self.optimizer.state.values()}
        remembered.append(max(steps, default=0))
        step(self, *batch)

    monkeypatch.setattr(Trainer, "step", noting)
    stages = f"[{{epochs: 1}}, {{epochs: 1, {second}}}]"
    run = run_stages("run", stages)
    first_end = int(float(curves(run)[0]["step"]))
    assert [remembered[0], remembered[first_end]] == [0, first_end if goes_on else 0]


class Corrected(Budget):
    """A budget that finds after the first epoch that there is time for less, on any machine."""

    def first_plan(self, **measured):
        return Plan.of(total=40, epoch_steps=5)

    def corrected(self, plan, step, **observed):
        return plan.corrected(step, 24, epoch_steps=5) if step == 5 else plan


def test_a_plan_with_stages_is_replayed_to_the_same_weights(run_stages):
    stages = STAGES["another optimizer"]
    first = run_stages("first", stages, "training.checkpoint=last", budget=Corrected(1000))
    assert first.info.steps == 24
    plan = Plan.from_json(json.loads((first.path / "plan.json").read_text()))
    again = run_stages("again", stages, "training.checkpoint=last", plan=plan)
    assert equal(weights(first), weights(again))
    assert {row["stage"] for row in curves(again)} == {"1.0", "2.0"}


def test_a_stage_that_gets_no_better_ends_and_the_next_keeps_its_steps(run_stages):
    # At such a rate no score moves, so each stage stops after its first validation or two.
    still = [
        "optimizer.lr=1e-12",
        "training.patience=1",
        "training.ema=0",
        "training.checkpoint=last",
    ]
    stages = "[{epochs: 9}, {epochs: 6, augment: rigid}]"
    run = run_stages("run", stages, *still)
    assert [row["stage"] for row in curves(run)] == ["1.0", "1.0", "2.0"]
    plan = Plan.from_json(json.loads((run.path / "plan.json").read_text()))
    pass_steps = plan.corrections[0].epoch_steps
    assert plan.corrections[1].total == (2 + 6) * pass_steps
    assert plan.total == 3 * pass_steps
    again = run_stages("again", stages, *still, plan=plan)
    assert equal(weights(run), weights(again))


def test_other_lengths_stretch_the_stages(run_stages):
    stages = "[{epochs: 20}, {epochs: 10, augment: none}]"
    for number, length in enumerate(["training.steps=9", "training.epochs=3"]):
        run = run_stages(f"run{number}", stages, length, "training.patience=0")
        ends = {row["stage"]: float(row["step"]) for row in curves(run)}
        assert ends["1.0"] / ends["2.0"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_stage_without_a_step_is_refused_before_training(run_stages, tmp_path, number):
    stages = [{"epochs": 100}] * 3
    stages.insert(number, {"epochs": 1})
    with pytest.raises(AreosegError, match=rf"^stages\.{number}: has none of the 10 planned steps"):
        run_stages("run", stages, "training.steps=10")
    assert not (tmp_path / "run").exists()


def samples_with(backgrounds, *, rocks=()):
    """Samples of 8x8 pixels with so many rows of background, and big rock in some of them."""
    masks = np.where(np.arange(8) < np.array(backgrounds)[:, None], 0, 1).astype(np.uint8)
    masks = np.repeat(masks[:, :, None], 8, axis=2)
    masks[list(rocks), 4:, 4:] = 4
    images = np.random.default_rng(0).integers(0, 255, masks.shape, dtype=np.uint8)
    return SegmentationDataset(images, masks, tuple(map(str, range(len(masks)))))


def prepared(samples, *overrides):
    recipe = load_recipe("unet", ["data.audit=false", "training.batch_size=4", *overrides])
    return prepare(recipe, samples, MARS)


def test_each_stage_drops_its_own_samples_and_the_split_has_all_that_any_trains_on():
    samples = samples_with([0, 2, 6] * 20, rocks=range(0, 60, 3))
    stages = "[{epochs: 1, data: {max_background: 0.1}}, {epochs: 1}]"
    found = prepared(samples, "data.max_background=0.5", f"stages={stages}")
    train_backgrounds = {index % 3 for index in found.split.train}
    assert train_backgrounds == {0, 1}
    first, second = found.stages
    assert len(second.batches.tensors) == len(found.split.train) == len(found.pixels)
    assert len(first.batches.tensors) == sum(index % 3 == 0 for index in found.split.train)
    assert len(first.batches.rare) == len(first.pixels)
    assert not first.pixels[:, MARS.background].any()
    everything = prepared(samples, f"stages={stages}")
    assert {index % 3 for index in everything.split.train} == {0, 1, 2}


def test_what_the_masks_lack_is_told_for_all_stages_at_once():
    samples = samples_with([0, 2, 6] * 20)
    stages = [
        {"epochs": 1, "augment": {"rare_cutmix": {"probability": 0.5}}},
        {"epochs": 1, "data": {"max_background": 0.1, "oversample_rare": 0.3}},
        {"epochs": 1, "augment": {"rare_paste": {"probability": 0.5}}},
        {"epochs": 1, "augment": {"rare_paste": {}, "rare_class": 9}},
    ]
    samples.masks[2::3, 7, 7] = 2  # the rarest class, in samples that the second stage drops
    with pytest.raises(AreosegError) as caught:
        prepared(samples, f"stages={json.dumps(stages)}")
    lines = str(caught.value).splitlines()
    starts = [
        "stages.0.augment.rare_cutmix: the masks",
        "stages.1.data.oversample_rare=0.3: none of",
        "stages.2.augment.rare_paste: the masks",
        "stages.3.augment.rare_class=9: classes are 0 to 4",
    ]
    assert [line.startswith(start) for line, start in zip(lines, starts, strict=True)] == [True] * 4


def test_a_policy_on_missing_masks_is_refused_without_stages_too():
    with pytest.raises(AreosegError, match=r"^augment\.rare_paste: the masks of .* big rock"):
        prepared(samples_with([0, 2, 6] * 20), "augment={rare_paste: {probability: 0.5}}")


@pytest.fixture
def three():
    return make_stages([None] * 3, [None] * 3, [60, 30, 10])


def test_stages_follow_the_progress_and_epochs_stay_within_one(three):
    plan = Plan.of(total=50, epoch_steps=20)
    assert [stage_at(three, plan.progress(step)) for step in (0, 29, 30, 44, 45, 49, 50)] == [
        0, 0, 1, 1, 2, 2, 2
    ]  # fmt: skip
    assert [stage_end(three, stage, plan, 0) for stage in range(3)] == [30, 45, 50]
    ends, step = [], 0
    while step < plan.total:
        step = epoch_end(three, plan, step)
        ends.append(step)
    assert ends == [20, 30, 45, 50]
    assert [three[1].progress(whole) for whole in (0.0, 0.6, 0.75, 0.9, 1.0)] == pytest.approx(
        [0, 0, 0.5, 1, 1]
    )


def test_a_correction_moves_the_end_of_the_stages_to_come(three):
    plan = Plan.of(total=50, epoch_steps=20).corrected(20, 80, epoch_steps=20)
    assert [stage_end(three, stage, plan, 20) for stage in range(3)] == [40, 70, 80]


def test_the_rest_of_a_stage_can_be_left_out_of_a_plan(three):
    plan = Plan.of(total=100, epoch_steps=10)
    shorter = without_rest(three, 0, plan, 20)
    assert shorter.total == 20 + 40
    assert stage_at(three, shorter.progress(20)) == 1
    assert stage_end(three, 1, shorter, 20) == 50
    assert without_rest(three, 2, shorter, 55).total == 55
    # At its end there is nothing left of it.
    assert without_rest(three, 0, plan, 60).total == 100


def test_a_whole_training_is_one_stage_whose_progress_is_its_own():
    (only,) = make_stages([None], [None], [17])
    assert only == Stage(None, None, 0.0, 1.0)
    values = np.random.default_rng(0).random(100)
    assert [only.progress(value) for value in values] == list(values)
    check_stages_not_empty((only,), Plan.of(total=1, epoch_steps=1))
