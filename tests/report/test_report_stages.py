import json

import pytest

from areoseg.data.samples import SegmentationDataset
from areoseg.recipes import dump_recipe, parse_recipe
from areoseg.report import write_report
from areoseg.report.history import StageRow, stage_rows
from areoseg.runs.run import open_run

RECIPE = """
model: unet
augment: mild
optimizer: {name: sgd, lr: 0.1}
stages:
  - epochs: 4
  - epochs: 2
    augment: rigid
    optimizer: {lr: 0.01, momentum: 0.5}
    data: {oversample_rare: 0.25}
  - epochs: 1
    loss: {ce: 1, dice: 0.5}
    augment: {elastic: {alpha: 4}}
    class_weights: none
"""
NAN = float("nan")


def test_each_stage_has_its_steps_its_best_score_and_its_changes():
    history = {
        "step": [10.0, 20.0, 30.0, 35.0],
        "stage": [1.0, 1.0, 2.0, 2.0],
        "score": [0.3, 0.2, NAN, 0.4],
    }
    assert stage_rows(parse_recipe(RECIPE), history) == [
        StageRow(4, 20, 0.3, ()),
        StageRow(
            2,
            15,
            0.4,
            (
                "data.oversample_rare=0.25",
                "augment=rigid",
                "optimizer.lr=0.01",
                "optimizer.momentum=0.5",
            ),
        ),
        StageRow(
            1, 0, None, ("loss=1 ce + 0.5 dice", "class_weights=none", "augment.elastic.alpha=4.0")
        ),
    ]


@pytest.mark.parametrize(("stages", "rows"), [("[]", []), ("[{epochs: 3}]", [(3, 8, 0.5)])])
def test_without_stages_there_is_no_row_and_a_single_one_has_all_steps(stages, rows):
    recipe = parse_recipe(f"model: unet\nstages: {stages}")
    found = stage_rows(recipe, {"step": [4.0, 8.0], "score": [0.5, 0.4]})
    assert [(row.epochs, row.steps, row.best_score) for row in found] == rows


@pytest.mark.parametrize("recipe", [RECIPE, "model: unet"])
def test_the_page_shows_stages_where_there_are_some(recipe, tmp_path, run_values):
    (tmp_path / "recipe.yaml").write_text(dump_recipe(parse_recipe(recipe)))
    classes = {"names": ["sky", "soil"], "colors": [[0, 0, 0], [9, 9, 9]], "background": 0}
    info = run_values(taxonomy=classes)
    (tmp_path / "run.json").write_text(json.dumps(info))
    run = open_run(tmp_path, unfinished=True)
    page = write_report(
        run, scores={}, examples={}, training_examples=SegmentationDataset([], None, ())
    ).read_text()
    assert ("<h2>Stages</h2>" in page) == ("stages" in recipe)
    assert ("augment=rigid, optimizer.lr=0.01" in page) == ("stages" in recipe)
