import json
import re
from dataclasses import replace

import numpy as np
import pytest

from areoseg.audit import CHECKS, Audit, Finding, SetFinding, audit_samples
from areoseg.audit.page import train_command, write_audit_page
from areoseg.data.load import Source
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.taxonomy import MARS

ISSUES = ("repeated-mask", "content-outlier", "near-duplicate")


def finding(index, issue="repeated-mask", action="reject", name=None):
    return Finding(index, name or f"sample-{index}", issue, 2.0, f"because of {issue}", action)


def page_of(audit, samples, tmp_path, **more):
    path = write_audit_page(audit, samples, tmp_path / "new" / "audit.html", **more)
    return path.read_text(encoding="utf-8")


def content_of(page):
    return json.loads(re.search(r'id="audit">(.*?)</script>', page, re.DOTALL)[1])


@pytest.fixture
def audit():
    findings = (
        finding(3),
        finding(3, "near-duplicate", "flag"),
        finding(5, "near-duplicate", "flag"),
    )
    return Audit(48, ISSUES, findings, (SetFinding("drift", 3.0, "they differ"),), fingerprint="f")


def test_the_page_needs_nothing_else(audit, samples, tmp_path):
    page = page_of(audit, samples, tmp_path)
    assert not re.search(r"https?://|@import|url\(", page)
    assert set(re.findall(r'\bsrc="([^"]*)', page)) == set()  # pictures are made from the content
    assert "default-src 'none'" in page


def test_the_page_tells_the_outcome(audit, samples, tmp_path):
    page = page_of(audit, samples, tmp_path, source=Source(path="some/mars.npz"))
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "mars.npz" in words
    assert "1 of 48 pairs of image and mask rejected 1 more flagged, 46 without" in words
    assert "drift: they differ" in words
    assert page.count('class="gallery"') == 2  # content-outlier found nothing


def test_the_page_holds_every_finding_and_the_fingerprint(audit, samples, tmp_path):
    content = content_of(page_of(audit, samples, tmp_path))
    assert content["file"]["fingerprint"] == "f"
    assert [(f["index"], f["action"]) for f in content["findings"]] == [
        (3, "reject"), (5, "flag"), (3, "flag"),
    ]  # fmt: skip
    assert content["classes"]["3"] == np.unique(samples.masks[3]).tolist()
    assert content["pictures"].keys() == {"labeled 3", "labeled 5"}


def test_the_set_is_told_at_a_glance(samples, tmp_path):
    unlabeled = SegmentationDataset(samples.images[:9], None, samples.names[:9])
    split = {"train": range(30), "val": range(30, 48)}
    audit = audit_samples(samples, unlabeled=unlabeled, split=split)
    page = page_of(audit, samples, tmp_path)
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    entry = next(each for each in audit.summary["classes"] if each["name"] == "big rock")
    assert f"big rock is in {entry['images']} of 48 images" in words
    assert "Unlabeled images 9" in words
    assert "32 × 64" in words
    assert "val: 18 images" in words
    assert "Kolmogorov" in words


def test_a_glance_at_images_alone_has_no_classes(samples, tmp_path):
    images = SegmentationDataset(samples.images, None, samples.names)
    page = page_of(audit_samples(images), images, tmp_path)
    assert "Overview" in page
    assert "Images with it" not in page
    assert "Kolmogorov" not in page


def test_a_clean_audit_says_so_and_has_no_galleries(samples, tmp_path):
    page = page_of(Audit(48, ISSUES, ()), samples, tmp_path)
    assert "Nothing to decide" in page
    assert "<script" not in page
    assert "Overview" not in page
    assert "<form" not in page


def test_the_page_names_every_check_and_what_those_left_out_would_need(samples, tmp_path):
    page = page_of(audit_samples(samples), samples, tmp_path)
    rows = re.findall(
        r'<th scope="row">([a-z-]+)</th><td class="prose">(.*?)</tr>', page, re.DOTALL
    )
    told = {name: " ".join(re.sub(r"<[^>]+>", " ", row).split()) for name, row in rows}
    assert told.keys() == CHECKS.keys()
    assert "reject" in told["repeated-mask"]
    assert "skipped: needs a model (--cross-validate or --model)" in told["swapped-mask"]
    assert "skipped: needs a split (--split-file)" in told["split-lacks-class"]
    assert "skipped" not in told["islands"]


def test_names_cannot_break_the_page(samples, tmp_path):
    evil = "</script><script>alert(1)</script>\"'&"
    audit = Audit(48, ISSUES, (finding(0, name=evil),))
    page = page_of(audit, samples, tmp_path, source=Source(path=evil))
    assert "alert(1)</script>" not in page
    assert content_of(page)["findings"][0]["name"] == evil


def test_images_without_masks_of_several_sizes_have_a_page(tmp_path):
    rng = np.random.default_rng(0)
    images = [rng.random(shape, dtype=np.float32) for shape in ((40, 60), (600, 20), (1, 1))]
    audit = Audit(3, ISSUES, tuple(finding(i) for i in range(3)))
    page = page_of(audit, SegmentationDataset(images, None, ("a", "b", "c")), tmp_path)
    assert "of 3 images rejected" in page
    assert content_of(page)["classes"] == {"0": [], "1": [], "2": []}


def test_thousands_of_findings_keep_the_page_small(samples, tmp_path):
    many = samples.select(np.arange(5000) % len(samples))
    findings = tuple(finding(index) for index in range(5000))
    page = page_of(Audit(5000, ISSUES, findings), many, tmp_path)
    assert len(content_of(page)["findings"]) == 5000
    assert len(page) < 3_000_000


def test_the_command_reads_the_data_as_the_audit_did():
    source = Source(path="my data", data_format="folder", groups="g.txt", label_set="expert-1")
    assert train_command(source).split("\\\n")[0] == (
        "areoseg train flagship --data 'my data' --data-format folder --label-set expert-1"
        " --groups g.txt "
    )
    tiles = Source(path="frames", tile=(64, 128), scale=0.25)
    assert train_command(tiles).split("\\\n")[0] == (
        "areoseg train flagship 'data.tile=[64,128]' data.scale=0.25 --data frames "
    )


def test_other_classes_have_their_names_and_no_command_of_training(audit, samples, tmp_path):
    streets = replace(MARS, names=("none", "road", "car", "tree", "sky"))
    page = page_of(audit, samples, tmp_path, taxonomy=streets)
    assert "tree</li>" in page
    assert "areoseg train" not in page
    assert "areoseg train" in page_of(audit, samples, tmp_path)


def test_a_page_that_cannot_be_written_is_refused(audit, samples, tmp_path):
    (tmp_path / "new").write_text("")
    with pytest.raises(AreosegError, match="cannot write"):
        page_of(audit, samples, tmp_path)
