"""The page of an audit in a real browser: what a person does with it, and what comes of it."""

import json

import pytest

import areoseg
from areoseg.audit import Audit, Finding, OtherSample
from areoseg.audit.page import write_audit_page
from areoseg.cli.app import app
from areoseg.data.load import Source
from areoseg.data.samples import fingerprint
from areoseg.runs.run import open_run

pytestmark = pytest.mark.browser

REJECTED = range(10)
NEAR = range(6, 40)
ROCK = 4


@pytest.fixture(scope="module")
def audited(homework_npz, tmp_path_factory):
    """The homework's file, its samples, and the page of an audit with known findings."""
    samples = areoseg.read(homework_npz).labeled
    findings = [
        Finding(i, samples.names[i], "content-outlier", 3.0 + i, "unlike the rest", "reject")
        for i in REJECTED
    ] + [
        Finding(
            i, samples.names[i], "near-duplicate", 0.6 + i / 100, "seen before", "flag",
            OtherSample(0, samples.names[0]), (0, 0, 16, 32),
        )
        for i in NEAR
    ]  # fmt: skip
    audit = Audit(
        len(samples), ("content-outlier", "near-duplicate"), tuple(findings),
        fingerprint=fingerprint(samples),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("audit") / "audit.html"
    write_audit_page(audit, samples, path, source=Source(path=str(homework_npz)))
    return homework_npz, samples, path


@pytest.fixture
def page(browser, audited):
    """The page, freshly opened in a browser that remembers nothing; it must not complain."""
    context = browser.new_context(viewport={"width": 1200, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    complaints, requests = [], []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto(audited[2].as_uri())
    yield opened
    assert complaints == []
    asked = {url for url in requests if not url.startswith(("data:", "blob:"))}
    assert asked == {audited[2].as_uri()}
    context.close()


def gallery(page, issue):
    return page.locator(f'.gallery[data-issue="{issue}"]')


def names(page, issue):
    return gallery(page, issue).locator(".card .name").all_inner_texts()


def box(page, samples, index, issue="content-outlier"):
    return gallery(page, issue).get_by_label(f"reject {samples.names[index]}", exact=True)


def standing(page):
    return page.locator("#standing").inner_text()


def saved(page, path):
    with page.expect_download() as download:
        page.get_by_role("button", name="Save decisions").click()
    assert download.value.suggested_filename == "decisions.json"
    download.value.save_as(path)
    return json.loads(path.read_text())


def test_a_gallery_opens_and_shows_the_worst_first(page, audited):
    samples = audited[1]
    worst = [samples.names[i] for i in reversed(REJECTED)]
    assert names(page, "content-outlier") == worst
    near = gallery(page, "near-duplicate")
    assert near.locator(".card").count() == 0  # nothing is drawn in a gallery that is closed
    near.locator("summary").click()
    near.locator(".card").first.wait_for()
    assert near.locator(".card").count() == 24
    near.get_by_role("button", name="Show more: 10 left").click()
    assert near.locator(".card").count() == len(NEAR)
    shown = near.locator(".card").first.locator("img")
    assert shown.count() == 2 * 4  # image, mask, and both for the overlay; also of the other sample
    assert all(shown.nth(i).evaluate("picture => picture.naturalWidth > 0") for i in range(8))
    assert near.locator(".card").first.locator(".region").count() == 3


def test_filters_choose_by_issue_class_score_decision_and_name(page, audited):
    samples = audited[1]
    page.get_by_label("Class").select_option("big rock")
    rocky = [samples.names[i] for i in reversed(REJECTED) if ROCK in samples.masks[i]]
    assert 0 < len(rocky) < len(REJECTED)
    assert names(page, "content-outlier") == rocky
    page.get_by_label("Class").select_option("any class")

    page.get_by_label("Issue").select_option("near-duplicate")
    assert gallery(page, "content-outlier").is_hidden()
    assert len(names(page, "near-duplicate")) == 24
    page.get_by_label("Decision").select_option("rejected")
    both = [samples.names[i] for i in sorted({*REJECTED} & {*NEAR}, reverse=True)]
    assert names(page, "near-duplicate") == both
    page.get_by_label("Decision").select_option("kept")
    page.get_by_label("Name").fill(samples.names[30])
    assert names(page, "near-duplicate") == [samples.names[30]]
    page.get_by_label("Name").fill("no such sample")
    assert "No finding passes" in gallery(page, "near-duplicate").inner_text()

    page.locator("#filters").evaluate("form => form.reset()")
    page.get_by_label("Issue").select_option("content-outlier")
    page.locator(".gallery:visible").get_by_label("Score at least").fill("50")
    assert len(names(page, "content-outlier")) == len(REJECTED) // 2
    assert "5 of 10" in gallery(page, "content-outlier").locator(".many").inner_text()


def test_boxes_work_by_keyboard_and_agree_in_all_galleries(page, audited):
    samples = audited[1]
    gallery(page, "near-duplicate").locator("summary").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name").fill(samples.names[8])
    twin = box(page, samples, 8, "near-duplicate")
    assert twin.is_checked()
    box(page, samples, 8).focus()
    page.keyboard.press("Space")
    assert not twin.is_checked()
    assert standing(page) == "9 rejected, 1 changed by you"
    page.get_by_role("button", name="Undo all").click()
    assert twin.is_checked()
    assert standing(page) == "10 rejected"


def test_decisions_survive_a_reload(page, audited):
    samples = audited[1]
    box(page, samples, 2).uncheck()
    page.reload()
    assert not box(page, samples, 2).is_checked()
    assert standing(page) == "9 rejected, 1 changed by you"


def test_many_are_decided_at_once(page):
    gallery(page, "near-duplicate").locator("summary").click()
    gallery(page, "near-duplicate").get_by_role("button", name="Reject these 34").click()
    assert standing(page) == "40 rejected, 30 changed by you"
    gallery(page, "content-outlier").get_by_role("button", name="Keep these 10").click()
    assert standing(page) == "30 rejected, 40 changed by you"


def test_a_narrow_screen_has_no_sideways_scrolling(page):
    page.set_viewport_size({"width": 360, "height": 700})
    gallery(page, "near-duplicate").locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.get_by_role("button", name="Save decisions").is_visible()


def test_what_is_decided_is_what_is_trained_on(page, audited, tmp_path, tiny):
    data, samples, _ = audited
    box(page, samples, 2).uncheck()  # the audit would reject it
    gallery(page, "near-duplicate").locator("summary").click()
    page.get_by_label("Name").fill(samples.names[20])
    box(page, samples, 20, "near-duplicate").check()  # the audit would keep it
    decisions = tmp_path / "decisions.json"
    told = saved(page, decisions)
    rejected = {samples.names[i] for i in {*REJECTED, 20} - {2}}
    assert {entry["name"] for entry in told["rejected"]} == rejected
    assert [entry["reason"] for entry in told["rejected"] if entry["index"] == 20] == [
        "rejected by hand: seen before"
    ]

    run = tmp_path / "run"
    command = ["train", "unet", *tiny, "training.epochs=1"]
    options = ["--data", str(data), "--decisions", str(decisions), "--out", str(run)]
    app([*command, *options], result_action="return_value")
    trained = open_run(run)
    used = {name for part in trained.split.values() for name in part}
    assert used == {*samples.names} - rejected
    assert trained.info.data.decisions == str(decisions)
    kept = json.loads((run / "audit.json").read_text())
    assert {entry["name"] for entry in kept["rejected"]} == rejected
