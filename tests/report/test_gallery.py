"""The gallery of predictions: its file, and what a person does with it in a real browser."""

import json
import re
import zlib
from itertools import pairwise

import numpy as np
import pytest

from areoseg.data.missions.metadata import metadata_from_name
from areoseg.errors import AreosegError
from areoseg.inference.gallery import GalleryFile, Pictures, remove_part
from areoseg.inference.inputs import InputImage
from areoseg.inference.summary import SummaryCounter
from areoseg.inference.tiling import RowBlock
from areoseg.report.gallery import page_name, read_gallery, write_gallery
from areoseg.taxonomy import MARS


def entry(name, shares, *, size=(64, 128), warnings=(), clock=430335904):
    """An image whose rows have the classes in these shares, soil first."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    pixels = rng.integers(40, 120, size, np.uint8)
    mask = np.zeros(size, np.uint8)
    ends = np.cumsum([0, *shares]) * size[0]
    for index, (top, bottom) in enumerate(pairwise(ends), start=1):
        mask[round(top) : round(bottom)] = index
    probabilities = np.full((5, *size), 0.05, np.float32)
    np.put_along_axis(probabilities, mask[None].astype(int), 0.8, axis=0)
    metadata = metadata_from_name(f"NLB_{clock}EDR_F0130000NCAM07812M1")
    image = InputImage(pixels, None, metadata, name=name)
    counter, pictures = SummaryCounter(image, MARS), Pictures(image, MARS)
    for rows in (slice(0, 40), slice(40, size[0])):
        block = RowBlock(rows.start, pixels[rows], probabilities[:, rows])
        counter.add(block)
        pictures.add(block)
    return pictures.entry(counter.summary("1", tuple(warnings)))


@pytest.fixture(scope="module")
def entries():
    return [
        entry("soil only", (1, 0, 0, 0)),
        entry("rocks <b>", (0.5, 0, 0, 0.5), clock=430435904),
        entry("dark", (0.25, 0.25, 0.25, 0), warnings=["black"], clock=432435904),
        entry("wide", (0, 0.75, 0, 0.25), size=(80, 640), warnings=["blurred"]),
    ]


def test_pictures_show_image_mask_and_confidence(entries):
    wide = entries[3]
    assert (wide["size"], wide["sol"], wide["site"]) == ([80, 640], 370, 13)
    assert wide["shares"] == pytest.approx([0, 0.75, 0, 0.25])
    assert (wide["ground"], wide["background"], wide["confidence"]) == pytest.approx((1, 0, 0.8))
    assert all(wide[key].startswith("data:image/") for key in ("image", "mask", "certainty"))
    assert entries[2]["background"] == pytest.approx(0.25)
    assert entries[2]["shares"] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0], abs=1e-4)


def test_a_gallery_is_read_back_and_paged(entries, tmp_path):
    many = [{**entries[0], "name": f"image {index}"} for index in range(1001)]
    pages = write_gallery(tmp_path, many, MARS)
    assert [page.name for page in pages] == ["index.html", "index-2.html", "index-3.html"]
    assert [each["name"] for each in read_gallery(tmp_path)] == [each["name"] for each in many]
    assert sum(page.stat().st_size for page in pages) < 1001 * 50_000
    assert [page.name for page in write_gallery(tmp_path, many[:3], MARS)] == ["index.html"]
    assert len(list(tmp_path.iterdir())) == 1
    assert page_name(2) == "index-2.html"


def test_a_page_of_another_program_is_not_overwritten(tmp_path):
    (tmp_path / "index.html").write_text("<html>mine</html>")
    with pytest.raises(AreosegError, match="not a gallery of areoseg"):
        GalleryFile(tmp_path)


def test_a_crash_loses_no_image(entries, tmp_path):
    write_gallery(tmp_path, entries[:1], MARS)
    crashed = GalleryFile(tmp_path)
    crashed.add(entries[1])
    part = tmp_path / ".index.html.part"
    part.write_text(part.read_text() + '{"name": "trunc')
    again = GalleryFile(tmp_path)
    assert [*again.entries] == ["soil only", "rocks <b>"]
    remove_part(tmp_path)
    assert not part.exists()


def test_the_page_is_one_file_without_addresses(entries, tmp_path):
    (page,) = write_gallery(tmp_path, entries, MARS, models=["flagship-256"])
    text = page.read_text()
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", text)
    assert "<b>" not in json.dumps(text.split("</header>")[0])


@pytest.fixture
def page(browser, entries, tmp_path):
    (path,) = write_gallery(tmp_path, entries, MARS)
    opened = browser.new_page(offline=True, viewport={"width": 1300, "height": 900})
    errors = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text))
    opened.goto(path.as_uri())
    opened.wait_for_selector(".card img")
    yield opened
    opened.close()
    assert errors == []


def names(page):
    return page.locator(".card .name").all_text_contents()


@pytest.mark.browser
def test_images_are_sorted_by_class_share_and_warnings(page):
    assert names(page) == ["soil only", "rocks <b>", "dark", "wide"]
    for order, expected in (
        ("share 3", ["rocks <b>", "wide", "soil only", "dark"]),
        ("share 1", ["wide", "dark", "soil only", "rocks <b>"]),
        ("warning", ["dark", "wide", "soil only", "rocks <b>"]),
        ("background", ["dark", "soil only", "rocks <b>", "wide"]),
        ("sol", ["soil only", "wide", "rocks <b>", "dark"]),
    ):
        page.select_option("[name=sort]", order)
        assert names(page) == expected


@pytest.mark.browser
def test_images_are_filtered_by_warning_and_text(page):
    page.select_option("[name=warning]", "any")
    assert names(page) == ["dark", "wide"]
    assert page.inner_text("#standing") == "2 of 4 images"
    page.select_option("[name=warning]", "is blurred")
    assert names(page) == ["wide"]
    page.select_option("[name=warning]", "")
    page.fill("[name=text]", "sol 371")
    assert names(page) == ["rocks <b>"]
    page.fill("[name=text]", "nothing")
    assert page.inner_text(".none") == "No image passes the filters."


@pytest.mark.browser
def test_opacity_and_legend(page):
    mask = page.locator(".card .mask").first
    page.locator("[name=opacity]").fill("80")
    assert mask.evaluate("each => getComputedStyle(each).opacity") == "0.8"
    page.keyboard.press("[")  # the slider has the focus: the key is not for the page
    assert page.inner_text(".opacity output") == "80 %"
    legend = page.locator(".legend li").all_inner_texts()
    assert [text.strip() for text in legend[:5]] == [*MARS.names[:4], "big rock, outlined"]


@pytest.mark.browser
def test_everything_can_be_done_with_the_keyboard(page):
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.inner_text("#title") == "rocks <b>"
    shares = page.locator(".numbers table").first.locator("tbody tr").all_inner_texts()
    assert shares[0].split("\t")[:2] == ["soil", "50.0 %"]
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#title") == "dark"
    page.keyboard.press("Escape")
    assert not page.locator("#detail").is_visible()
    page.keyboard.press("]")
    assert page.inner_text(".opacity output") == "55 %"
    page.keyboard.press("o")
    assert page.input_value("[name=view]") == "image"
    page.keyboard.press("c")
    assert page.input_value("[name=view]") == "certainty"
    page.keyboard.press("/")
    page.keyboard.type("wide")
    assert names(page) == ["wide"]
