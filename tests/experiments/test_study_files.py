from pathlib import Path

import pytest
import yaml

from areoseg.errors import AreosegError
from areoseg.experiments.study import BUNDLED, list_studies, load_study
from areoseg.recipes import load_recipe


def test_three_studies_are_bundled():
    assert list_studies() == ["ablation", "levers", "models", "table1"]


@pytest.mark.parametrize("name", list_studies())
def test_bundled_studies_are_valid(name):
    study = load_study(name)
    assert study.trials
    assert study.content.summary


def test_results_of_a_bundled_study_are_never_in_the_package(tmp_path):
    assert load_study("table1").results == Path("runs", "table1", "results")
    assert load_study("table1", tmp_path).results == tmp_path / "results"
    assert load_study("table1").path.parent == BUNDLED


def test_results_of_a_study_file_are_beside_it(write_study, tmp_path):
    study = write_study([{"name": "a", "rows": [{"name": "b"}]}])
    assert study.results == tmp_path / "results" / "small"
    assert load_study(study.path, tmp_path / "runs").results == study.results


def test_an_unknown_study_is_reported_with_the_nearest_name():
    with pytest.raises(AreosegError, match=r"no study 'ablatoin', .*: did you mean 'ablation'"):
        load_study("ablatoin")
    with pytest.raises(AreosegError, match="choose from ablation, levers, models, table1"):
        load_study("zzz")


def test_a_trial_is_the_recipe_with_the_overrides_of_study_and_row_and_a_seed(write_study):
    study = write_study(
        [
            {
                "name": "loss",
                "rows": [
                    {"name": "ce"},
                    {"name": "other", "overrides": ["optimizer.lr=3e-3"], "seeds": [7]},
                ],
            }
        ],
        recipe="unet-l",
        overrides=["optimizer.lr=1e-3", "training.epochs=2"],
        seeds=[0, 1],
        budget="90s",
    )
    assert [str(trial) for trial in study.trials] == [
        "loss/ce, seed 0",
        "loss/ce, seed 1",
        "loss/other, seed 7",
    ]
    first, _, last = study.trials
    assert first.recipe == load_recipe("unet-l", ["optimizer.lr=1e-3", "training.epochs=2"])
    assert (last.recipe.optimizer.lr, last.recipe.training.epochs) == (3e-3, 2)
    assert last.recipe.training.seed == 7
    assert last.recipe.split.seed == first.recipe.split.seed
    assert {trial.budget_seconds for trial in study.trials} == {90}


def test_a_recipe_file_is_found_beside_the_study(write_study, tmp_path):
    (tmp_path / "mine.yaml").write_text("model: unet-l\n")
    study = write_study([{"name": "a", "rows": [{"name": "b", "recipe": "mine.yaml"}]}])
    assert study.trials[0].recipe.model.name == "unet-l"


def test_all_errors_of_all_rows_come_at_once_with_their_lines(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(
        "sections:\n"
        "  - name: loss\n"
        "    rows:\n"
        "      - name: good\n"
        "      - name: typo\n"
        "        overrides: [loss.dicee=1, optimizer.lr=-1]\n"
        "      - name: absent\n"
        "        recipe: unett\n"
        "      - name: option\n"
        "        overrides: [model.width=3]\n"
    )
    with pytest.raises(AreosegError) as caught:
        load_study(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert all(line.startswith(f"{path}:5: loss/typo: ") for line in lines[:2])
    assert "dicee" in lines[0] + lines[1]
    assert lines[2].startswith(f"{path}:7: loss/absent: ")
    assert "did you mean 'unet'" in lines[2]
    assert lines[3].startswith(f"{path}:9: loss/option: ")


def test_a_error_of_the_common_recipe_comes_once(write_study):
    rows = [{"name": "a"}, {"name": "b"}]
    with pytest.raises(AreosegError, match="learning") as caught:
        write_study([{"name": "s", "rows": rows}], overrides=["training.learning=3"])
    assert len(str(caught.value).splitlines()) == 1


ROW = {"name": "a"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"sections": []}, "sections"),
        ({}, "sections: missing"),
        ({"sections": [{"name": "s", "rows": []}]}, "sections.0.rows"),
        ({"sections": [{"name": "s", "rows": [ROW, ROW]}]}, "row a occurs 2 times"),
        ({"sections": [{"name": "s", "rows": [ROW]}] * 2}, "section s occurs 2 times"),
        ({"sections": [{"name": "s", "rows": [{"name": "../a"}]}]}, "sections.0.rows.0.name"),
        ({"sections": [{"name": "s", "rows": [{**ROW, "seed": 1}]}]}, "did you mean 'seeds'"),
        ({"sections": [{"name": "s", "rows": [ROW]}], "seeds": [1, 1]}, "seed 1 occurs 2 times"),
        ({"sections": [{"name": "s", "rows": [ROW]}], "seeds": []}, "seeds"),
        ({"sections": [{"name": "s", "rows": [ROW]}], "budget": "soon"}, "give a duration"),
        ({"sections": [{"name": "s", "rows": [{**ROW, "baseline": "randm"}]}]}, "mean 'random'"),
        (
            {"sections": [{"name": "s", "rows": [{**ROW, "baseline": "random", "budget": "1m"}]}]},
            "sections.0.rows.0.budget: a baseline is not trained",
        ),
    ],
)
def test_a_faulty_study_is_refused_with_its_place(content, expected, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(AreosegError) as caught:
        load_study(path)
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)


def test_a_key_that_is_there_twice_is_refused(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("seeds: [0]\nsections:\n  - name: a\n    name: b\n    rows: []\nseeds: [1]\n")
    with pytest.raises(AreosegError) as caught:
        load_study(path)
    assert str(caught.value).splitlines()[:2] == [
        f"{path}:4: sections.0.name: duplicate key (first defined on line 3); remove one",
        f"{path}:6: seeds: duplicate key (first defined on line 1); remove one",
    ]


@pytest.mark.parametrize("text", [None, "[1, 2]", "a: [", "\xff"])
def test_what_is_no_study_is_refused(text, tmp_path):
    path = tmp_path / "study.yaml"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(AreosegError, match=r"study\.yaml"):
        load_study(path)
