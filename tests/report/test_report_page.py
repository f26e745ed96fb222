import base64
import csv
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from areoseg.audit import CHECKS
from areoseg.data.samples import SegmentationDataset
from areoseg.metrics.scores import evaluate_predictions
from areoseg.recipes import dump_recipe, parse_recipe
from areoseg.report import choose_examples, write_report
from areoseg.runs.run import open_run
from areoseg.taxonomy import MARS, VOID

SUMMARIES = {issue: check.summary for issue, check in CHECKS.items()}
HOSTILE = '<b>x & "y"'
COMMAND = "areoseg train --data 'a&b.npz' --recipe unet --out runs/<first>"
VOID_ELEMENTS = {"meta", "img", "br", "hr", "link", "input", "line"}


class Page(HTMLParser):
    """The text and the links of a page; fails on elements that are not closed in order."""

    def __init__(self, source):
        super().__init__()
        self.open, self.text, self.links, self.tags = [], [], [], []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in {"src", "href"}]
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def samples(number=9, *, void=False):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (number, 16, 24), dtype=np.uint8)
    masks = np.repeat(np.repeat(generator.integers(0, 5, (number, 4, 6)), 4, 1), 4, 2)
    masks = masks.astype(np.uint8)
    masks[:1, 0, 0] = VOID if void else 0
    names = (HOSTILE, *(f"tile-{index}" for index in range(1, number)))[:number]
    return SegmentationDataset(
        images, masks, names, tuple(f"stop-{index // 2}" for index in range(number))
    )


def predicted(some):
    predictions = np.array(some.masks)
    predictions[:, :, :4] = 1
    predictions[predictions == 0] = 2
    return predictions


@pytest.fixture
def info(run_values):
    shares = dict(zip(MARS.names, [0.2432, 0.3392, 0.2327, 0.18, 0.0013], strict=True))
    return lambda: run_values(
        data={"source": {"path": "a&b.npz"}, "training_shares": shares},
        command=COMMAND,
        steps=3300,
        epochs=3,
        best_step=20,
        training_seconds=1793.4,
    )


def make_run(folder, values, recipe="model: unet\nsummary: '<i>mine</i>'"):
    folder.mkdir()
    text = dump_recipe(parse_recipe(recipe))
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(values), encoding="utf-8")
    return open_run(folder, unfinished=True)


def add_files(folder):
    """All that a run has beside its recipe and its info."""
    split = {"train": ["a"] * 1234, "val": ["b"] * 4, "test": ["c"] * 3}
    (folder / "split.json").write_text(json.dumps(split), encoding="utf-8")
    (folder / "weights.safetensors").write_bytes(bytes(1_940_000))
    rows = [
        {
            "epoch": float(epoch),
            "step": 10.0 * epoch,
            "score": score,
            "loss/ce": 1 / epoch,
            "loss/dice": 0.5 / epoch,
            "loss/total": 1.5 / epoch,
            "lr": 1e-3 / epoch,
            **{
                f"iou/{name}": score if name != "background" else float("nan")
                for name in MARS.names
            },
        }
        for epoch, score in ((1, 0.2), (2, 0.5), (3, 0.4))
    ]
    with (folder / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    found = {"index": 5, "name": "<u>alien</u>", "issue": "repeated-mask", "score": 110.0}
    audit = {
        "pairs": 20,
        "rejected": [{**found, "reason": "the same mask on 110 images"}],
        "flagged": [{**found, "index": index, "issue": "strange"} for index in range(150)],
    }
    (folder / "audit.json").write_text(json.dumps(audit), encoding="utf-8")
    (folder / "audit.html").write_text("", encoding="utf-8")


@pytest.fixture
def whole(tmp_path, info):
    """A run with everything, its scores, and its page."""
    run = make_run(tmp_path / "first <night>", info())
    add_files(run.path)
    some = samples()
    predictions = predicted(some)
    score = evaluate_predictions(predictions, some.masks, groups=some.groups, resamples=50)
    worse = evaluate_predictions(predictions[:4], some.masks[:4], resamples=50)
    examples = choose_examples(some.images, some.masks, predictions, some.names, taxonomy=MARS)
    scores = {"val": worse.to_json(), "test": score.to_json()}
    path = write_report(
        run,
        scores=scores,
        examples=examples,
        training_examples=some,
        issue_summaries=SUMMARIES,
    )
    return path, scores


def read(path):
    source = path.read_text(encoding="utf-8")
    return source, Page(source)


@pytest.fixture
def bare(info):
    """Makes the page of a run that has nothing but what is given."""

    def page(folder, values=None, **content):
        run = make_run(folder / "run", values or info())
        content = {"scores": {}, "examples": {}, "training_examples": samples(0), **content}
        return read(write_report(run, **content))

    return page


def test_the_page_lies_in_the_run_folder(whole):
    path, _ = whole
    assert path.name == "report.html"
    assert path.parent.name == "first <night>"


def test_the_page_needs_nothing_else(whole):
    source, page = read(whole[0])
    assert page.links
    assert all(link.startswith("data:image/") for link in page.links)
    outside = re.sub(r"data:image/[^\"]*", "", source)
    assert not re.search(r"https?://|//cdn|@import|url\(|<script|<link|<iframe", outside)
    assert len(source.encode()) < 3_000_000


def test_embedded_charts_ask_for_nothing_outside(whole):
    _, page = read(whole[0])
    charts = [
        base64.b64decode(link.split(",", 1)[1]).decode()
        for link in page.links
        if link.startswith("data:image/svg+xml")
    ]
    assert len(charts) == 6  # four curves, two matrices
    for chart in charts:
        assert not re.search(r"(?:href|src)=\"(?!#)", chart)
        assert "<metadata" not in chart
        assert "DOCTYPE" not in chart


def test_the_headline_is_the_test_score_with_protocol_and_interval(whole):
    path, scores = whole
    words = read(path)[1].words
    test = scores["test"]
    low, high = test["interval"]
    assert f"{test['score']:.3f} mean IoU, protocol terrain , test split" in words
    assert f"95 % interval {low:.3f} to {high:.3f}" in words
    assert "mean over the terrain classes that occur in the ground truth" in words
    assert "50 bootstrap resamples of the 5 groups" in words


def test_every_class_and_protocol_has_its_scores(whole):
    path, scores = whole
    words = read(path)[1].words
    for part in scores.values():
        for name, entry in part["classes"].items():
            if entry["iou"] is not None:
                low, high = entry["interval"]
                assert f"{name} {entry['iou']:.3f} {low:.3f} – {high:.3f}" in words
                assert f"{entry['precision']:.3f} {entry['recall']:.3f}" in words
    for name in ("terrain", "keras", "all-pixels", "five-class"):
        assert f"{scores['test']['protocols'][name]['score']:.3f}" in words
        assert name in words


def test_data_cost_and_versions_are_told(whole):
    words = read(whole[0])[1].words.replace("\N{NARROW NO-BREAK SPACE}", " ")
    for fact in (
        "Training 1 234",
        "Rejected by the audit 2",
        "Groups 11",
        "big rock 0.13 %",
        "Parameters 484 k",
        "Multiply-adds per tile 312 M",
        "64 × 128",
        "Weights on disk 1.94 MB",
        "Training time 29 min 53 s",
        "Steps 3 300",
        "Threads 2",
        "float32",
        "2.13.0+x",
        "f00dcafe",
        "data: path a&b.npz",
        COMMAND,
        "batch_size: 32",
    ):
        assert fact in words


def test_the_audit_is_told_and_long_lists_are_cut(whole):
    words = read(whole[0])[1].words
    assert "repeated-mask 1 the same mask" in words
    assert "the same mask on 110 images" in words
    assert "strange 150" in words
    assert "50 more are listed in audit.json" in words


def test_names_are_text_and_never_markup(whole):
    source, page = read(whole[0])
    assert HOSTILE in page.words
    assert "first <night>" in page.words
    assert {"b", "u", "i", "night", "first"}.isdisjoint(page.tags)
    assert "<b>x" not in source


def test_every_picture_says_what_it_shows(whole):
    source = whole[0].read_text(encoding="utf-8")
    images = re.findall(r"<img [^>]*>", source)
    assert len(images) == 6 + 8 * 2 + 9 * 4  # charts, samples, examples
    assert all(re.search(r'alt="[^"]+"', image) for image in images)


def test_writing_again_gives_the_same_page(whole):
    path, scores = whole
    once = path.read_bytes()
    some = samples()
    examples = choose_examples(some.images, some.masks, predicted(some), some.names, taxonomy=MARS)
    write_report(
        open_run(path.parent),
        scores=scores,
        examples=examples,
        training_examples=some,
        issue_summaries=SUMMARIES,
    )
    assert path.read_bytes() == once


def test_a_run_with_nothing_yet_has_a_page(tmp_path, bare, info):
    values = info()
    for key in ("steps", "epochs", "best_step", "training_seconds", "command"):
        del values[key]
    values["status"] = "training"
    _, page = bare(tmp_path, values)
    assert "No scores yet" in page.words
    assert "did not finish" in page.words
    assert "img" not in page.tags


def test_a_finished_run_has_no_notice(tmp_path, bare):
    assert "did not finish" not in bare(tmp_path)[1].words


def test_without_a_test_part_the_validation_heads_the_page(tmp_path, bare):
    some = samples()
    score = evaluate_predictions(predicted(some), some.masks, resamples=20).to_json()
    words = bare(tmp_path, scores={"val": score, "test": None})[1].words
    assert f"{score['score']:.3f} mean IoU, protocol terrain , validation split" in words
    assert "resamples of the images" in words
    assert "Test split" not in words


def test_without_groups_the_reader_is_warned(tmp_path, bare, info):
    values = info()
    values["data"]["groups"] = None
    words = bare(tmp_path, values)[1].words
    assert "No groups are known" in words
    headline = words.partition("Metric.")[0]
    warning = "tiles of one frame may be in several splits; scores may be too high"
    assert warning in headline


def test_absent_classes_and_undefined_scores_are_dashes(tmp_path, bare):
    truth = np.ones((2, 8, 8), np.uint8)  # soil alone: one image group, other classes absent
    score = evaluate_predictions(truth, truth, resamples=0).to_json()
    words = bare(tmp_path, scores={"val": score})[1].words
    assert "bedrock – –" in words
    assert "soil 1.000 –" in words
    assert "no interval" in words
    nothing = {**score, "score": float("nan"), "interval": [float("nan")] * 2, "classes": {}}
    (tmp_path / "other").mkdir()
    assert "– mean IoU" in bare(tmp_path / "other", scores={"val": nothing})[1].words


def test_void_is_in_the_legend_where_a_mask_has_it(tmp_path, bare):
    assert "void" not in bare(tmp_path, training_examples=samples())[1].text
    (tmp_path / "other").mkdir()
    assert "void" in bare(tmp_path / "other", training_examples=samples(void=True))[1].text


def test_samples_of_several_sizes_are_shown(tmp_path, bare):
    some = samples(2)
    mixed = SegmentationDataset(
        [some.images[0], some.images[1][:8]], [some.masks[0], some.masks[1][:8]], some.names
    )
    assert bare(tmp_path, training_examples=mixed)[1].tags.count("img") == 4
