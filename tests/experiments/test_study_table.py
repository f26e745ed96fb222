import csv
import io
import re

import pytest

from areoseg.errors import AreosegError
from areoseg.experiments.results import Result, SplitScores
from areoseg.experiments.table import build_table
from areoseg.experiments.table_files import (
    SCORE_COLUMNS,
    cells,
    columns,
    csv_text,
    markdown_text,
    notes,
    score_lines,
    write_table,
)

SCORES = {"ce": [0.50, 0.51, 0.52], "dice": [0.60, 0.61, 0.62], "focal": [0.40], "ohem": []}


@pytest.fixture
def study(write_study):
    rows = [{"name": name, "summary": f"<{name}>"} for name in SCORES]
    return write_study([{"name": "loss", "rows": rows}], summary="Which loss?", seeds=[0, 1, 2])


@pytest.fixture
def results(study):
    return {
        trial: result(trial, SCORES[trial.row][trial.seed])
        for trial in study.trials
        if trial.seed < len(SCORES[trial.row])
    }


def result(trial, score):
    def part(score):
        protocols = {
            "terrain": score,
            "keras": score - 0.1,
            "all-pixels": score - 0.2,
            "five-class": None,
        }
        return SplitScores(images=9, protocols=protocols, iou={"soil": score, "background": None})

    return Result(
        section=trial.section,
        row=trial.row,
        seed=trial.seed,
        data="abc",
        budget_seconds=None,
        scores={"train": part(score + 0.2), "val": part(score + 0.1), "test": part(score)},
        steps=300,
        best_step=250,
        seconds=90.0,
        parameters=1_500_000,
        macs=2_000_000_000,
        size=(64, 128),
        device="cpu",
        threads=1,
        precision="float32",
        areoseg="0",
        torch="0",
        recipe={},
    )


def test_rows_have_their_mean_std_and_verdict_against_the_first(study, results):
    table = build_table(study, results)
    ce, dice, focal, ohem = table.sections[0].rows
    assert (ce.verdict, dice.verdict, focal.verdict) == ("baseline", "better", "one seed")
    assert ohem.verdict == "no score"
    assert dice.score.mean == pytest.approx(0.61)
    assert dice.score.std == pytest.approx(0.01)
    assert dice.difference == pytest.approx(0.1)
    assert (dice.minutes, dice.steps) == (1.5, 300)
    assert (table.done, table.planned, table.comparisons) == (7, 12, 1)
    assert table.sections[0].findings() == [
        "Better than ce: dice (+0.100).",
        "One seed, not tested: focal (-0.110).",
    ]


def test_another_part_and_protocol_can_head_the_table(study, results):
    table = build_table(study, results, split="val", protocol_name="keras")
    assert table.sections[0].rows[0].score.mean == pytest.approx(0.51)
    undefined = build_table(study, results, protocol_name="five-class").sections[0].rows[0]
    assert undefined.score.mean is None
    with pytest.raises(AreosegError, match="train, val, test"):
        build_table(study, results, split="dev")
    with pytest.raises(AreosegError, match="keras"):
        build_table(study, results, protocol_name="kera")


def test_cells_say_what_is_not_done(study, results):
    table = build_table(study, results)
    rows = [
        dict(zip(columns(table), cells(table, row), strict=True)) for row in table.sections[0].rows
    ]
    assert rows[0]["test terrain"] == "0.5100 ± 0.0100"
    assert rows[1]["difference"] == "+0.1000"
    assert (rows[0]["seeds"], rows[2]["seeds"], rows[3]["seeds"]) == ("3", "1 of 3", "0 of 3")
    assert (rows[2]["test terrain"], rows[3]["test terrain"]) == ("0.4000", "-")
    assert rows[1]["GMAC"] == "2.000"
    assert rows[0]["keras train / val / test"] == "0.6100 / 0.5100 / 0.4100"
    assert rows[0]["five-class train / val / test"] == "- / - / -"
    assert "5 of 12 trainings are not done yet." in notes(table)


def test_every_row_says_its_size_once_and_each_part_by_each_protocol(study, results):
    ce = build_table(study, results).sections[0].rows[0]
    first, *others = [dict(zip(SCORE_COLUMNS, line, strict=True)) for line in score_lines(ce)]
    assert (first["row"], first["parameters"], first["steps"]) == ("ce", "1.500 M", "300")
    assert [first[part] for part in ("train", "val", "test")] == ["0.7100", "0.6100", "0.5100"]
    assert [line["protocol"] for line in others] == ["keras", "all-pixels", "five-class"]
    assert others[1]["val"] == "0.4100"
    assert {line["row"] for line in others} == {line["GMAC"] for line in others} == {""}


def test_markdown_has_one_line_a_row_with_as_many_cells_as_heads(study, results):
    lines = [
        line for line in markdown_text(build_table(study, results)).splitlines() if "|" in line
    ]
    assert len(lines) == 2 + len(SCORES)
    assert {line.count("|") for line in lines} == {lines[0].count("|")}


def test_csv_reads_back(study, results):
    rows = list(csv.DictReader(io.StringIO(csv_text(build_table(study, results)))))
    assert [row["row"] for row in rows] == list(SCORES)
    assert float(rows[1]["test terrain mean"]) == pytest.approx(0.61)
    assert float(rows[1]["train keras mean"]) == pytest.approx(0.71)
    assert float(rows[1]["iou soil"]) == pytest.approx(0.61)
    assert rows[1]["verdict"] == "better"
    assert rows[3]["test terrain mean"] == rows[1]["iou background"] == ""


def test_json_has_mean_std_and_every_seed(study, results):
    row = build_table(study, results).to_json()["sections"][0]["rows"][1]
    assert row["score"]["values"] == SCORES["dice"]
    assert row["score"]["mean"] == pytest.approx(0.61)
    assert row["scores"]["val"]["terrain"]["mean"] == pytest.approx(0.71)


def test_the_page_needs_nothing_else_and_shows_every_row(study, results):
    table = build_table(study, results)
    write_table(table, study)
    page = (study.results / "table.html").read_text()
    assert not re.search(r"""(src|href)=["']?(http|//)""", page)
    assert page.count("data:image/svg+xml") == len(table.sections)
    assert page.count('colspan="3">keras<') == 1
    assert "0.8100" in page  # dice, train, terrain
    assert "0.7100" in page  # dice, train, keras
    assert "&lt;dice&gt;" in page
    assert "<dice>" not in page
    assert "7 of 12 trainings" in " ".join(page.split())
    assert (study.results / "table.csv").is_file()
    assert (study.results / "table.md").is_file()


def test_a_page_can_be_drawn_before_anything_is_trained(study):
    write_table(build_table(study, {}), study)
    assert "no score" in (study.results / "table.html").read_text()
