import math
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from areoseg.report import charts
from areoseg.report.history import read_history
from areoseg.taxonomy import MARS

NAN = float("nan")


def text_of(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.text]


def history(**columns):
    return {"epoch": [1.0, 2.0, 3.0], "step": [10.0, 20.0, 30.0], **columns}


def test_the_best_epoch_is_marked():
    chart = charts.score_chart(history(score=[0.1, 0.567, 0.3]), best_step=20)
    assert "best: 0.567 in epoch 2" in text_of(chart)


def test_without_a_best_step_nothing_is_marked():
    chart = charts.score_chart(history(score=[0.1, 0.567, 0.3]))
    assert not any("best" in text for text in text_of(chart))


def test_every_term_of_the_loss_is_named():
    columns = {"loss/ce": [3, 2, 1], "loss/dice": [1, 1, 0.5], "loss/total": [4, 3, 1.5]}
    assert {"ce", "dice", "total"} <= set(text_of(charts.loss_chart(history(**columns))))


def test_a_single_term_is_not_drawn_beside_the_total():
    chart = charts.loss_chart(history(**{"loss/ce": [3, 2, 1], "loss/total": [3, 2, 1]}))
    assert "ce" not in text_of(chart)


def test_a_class_without_a_value_has_no_line():
    columns = {
        "iou/soil": [0.1, 0.2, 0.3],
        "iou/sand": [NAN, 0.5, 0.6],
        "iou/background": [NAN] * 3,
    }
    text = text_of(charts.class_chart(history(**columns), MARS))
    assert {"soil", "sand"} <= set(text)
    assert "background" not in text


@pytest.mark.parametrize("column", [[], [NAN, NAN, NAN]])
def test_a_curve_without_values_gives_no_chart(column):
    assert charts.score_chart(history(score=column)) is None
    assert charts.rate_chart({}) is None


def test_one_epoch_is_enough_for_a_chart():
    assert charts.score_chart({"epoch": [1.0], "step": [5.0], "score": [0.4]}, 5) is not None


def test_confusion_rows_are_in_per_cent_of_the_true_class():
    confusion = [[0] * 5, [0, 75, 25, 0, 0], [0, 0, 10, 0, 0], [0, 0, 1, 9999, 0], [0] * 5]
    text = text_of(charts.confusion_chart(confusion, MARS, uncounted=0))
    assert {"75.0", "25.0", "100.0", "<0.1"} <= set(text)
    assert text.count("–") == 10  # the two classes without pixels
    assert set(MARS.names) <= set(text)


def test_a_row_has_a_bar_if_it_has_a_score():
    better = charts.Bar("dice", (0.60, 0.62), (0.4, 0.8), "better")
    bars = [charts.Bar("ce", (0.50, 0.52), None, "baseline"), better]
    unscored = charts.Bar("ohem", (), None, "no score")
    assert {"ce", "dice", "ohem", "mean IoU"} <= set(text_of(charts.bar_chart([*bars, unscored])))
    assert charts.bar_chart([*bars, unscored]).count("#b9c78d") == 1
    assert charts.bar_chart([unscored, better]) is not None
    assert charts.bar_chart([unscored]) is None


def test_the_axis_of_bars_covers_the_seeds_and_not_the_intervals():
    chart = charts.bar_chart([charts.Bar("ce", (0.50, 0.60), (0.0, 1.0), "baseline")])
    ticks = [float(text) for text in text_of(chart) if text.strip().startswith("0.")]
    assert 0.48 <= min(ticks) < max(ticks) <= 0.62


def test_trials_are_drawn_with_the_best_so_far():
    chart = charts.trial_chart({0: 0.5, 2: 0.4, 3: 0.7}, {1: 0.2})
    assert {"trial", "complete", "pruned"} <= set(text_of(chart))
    assert "pruned" not in text_of(charts.trial_chart({0: 0.5}, {}))
    assert charts.trial_chart({}, {4: 0.1}) is not None
    assert charts.trial_chart({}, {}) is None


def test_the_same_run_gives_the_same_chart():
    columns = {"score": [0.1, 0.2, 0.3]}
    assert charts.score_chart(history(**columns)) == charts.score_chart(history(**columns))


def test_matplotlib_is_loaded_late_and_pyplot_never():
    program = (
        "import sys; from areoseg.report import charts;"
        "assert 'matplotlib' not in sys.modules;"
        "charts.rate_chart({'lr': [1e-3, 5e-4]});"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_history_has_nan_where_a_cell_is_no_number(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,score,iou/soil\n1.0,0.5,nan\n2.0,,x\n", encoding="utf-8")
    columns = read_history(path)
    assert columns["epoch"] == [1.0, 2.0]
    assert columns["score"][0] == 0.5
    assert all(math.isnan(value) for value in (columns["score"][1], *columns["iou/soil"]))


@pytest.mark.parametrize("text", ["", "epoch,score\n"])
def test_an_empty_history_has_no_columns(tmp_path, text):
    path = tmp_path / "metrics.csv"
    path.write_text(text, encoding="utf-8")
    assert read_history(path) == {}
    assert read_history(tmp_path / "absent.csv") == {}
