"""What a person does on the page, in a real browser, with the service and with the static site."""

import contextlib
import io
import json

import numpy as np
import pytest
from pages import (
    as_file,
    bands,
    brightness_model,
    color_at,
    downloaded,
    hosting,
    open_images,
    pixel,
    shown,
    visiting,
)
from PIL import Image
from serving import BrightnessEngine, as_png, brightness_mask, decode, draw, running

from areoseg.inference.predictor import Predictor
from areoseg.labeling.suggest import Suggestion, write_suggestions
from areoseg.serve import models as served_models
from areoseg.serve import static
from areoseg.taxonomy import MARS

pytestmark = pytest.mark.browser

CONTROL = "Control"


@pytest.fixture(scope="module")
def corrections(tmp_path_factory):
    """The dataset folder in which the service saves corrections."""
    return tmp_path_factory.mktemp("data") / "corrected"


@pytest.fixture(scope="module", params=["server", "static"])
def address(request, corrections, tmp_path_factory):
    """The address of the page with each of its backends, and two models."""
    folder = tmp_path_factory.mktemp("site")
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        models = ("flagship-256", "flagship-64")
        if request.param == "static":
            patch.setattr(static, "_write_model", brightness_model)
            static.write_static_site(folder, models)
            yield stack.enter_context(hosting(folder))
        else:
            patch.setattr(
                served_models, "load", lambda *paths, **options: Predictor([BrightnessEngine()])
            )
            client = stack.enter_context(running(models=models, corrections=corrections))
            yield f"{client.base_url}/"


@pytest.fixture(scope="module")
def page(browser, address):
    with visiting(browser, address, accept_downloads=True) as opened:
        yield opened


@pytest.fixture
def banded(page):
    """The page with an image that has a band of each class, and default settings."""
    open_images(page, as_file("NLA_397681372EDR_F0020000AUT_04096M1.png", bands()))
    page.check("input[value=move]")
    page.select_option("select[name=view]", "overlay")
    page.uncheck("input[name=brighten]")
    page.click("button[value=fit]")
    return page


def set_opacity(page, value):
    page.locator("input[name=opacity]").fill(str(value))


def test_a_sample_is_one_click_away(page):
    assert page.locator("#samples button").count() == 3
    page.click("#samples button >> nth=0")
    shown(page, "outcrop.png")
    assert "512 x 384" in page.text_content("#facts")


def test_files_are_dropped(page):
    content = [int(byte) for byte in as_png(draw(3))]
    page.evaluate(
        """(content) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(content)], "dropped.png"));
          for (const kind of ["dragover", "drop"]) {
            document.body.dispatchEvent(
              new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
          }
        }""",
        content,
    )
    shown(page, "dropped.png")


def test_shares_and_the_place_are_told(banded):
    shares = banded.locator("#legend .share").all_text_contents()
    assert shares == ["20.0 % of image", "25.0 %", "25.0 %", "25.0 %", "25.0 %"]
    told = banded.text_content("#facts")
    assert all(part in told for part in ("NAV_LEFT_A", "sol2", "site2", "drive0"))


def test_the_slider_fades_the_colors_and_a_class_is_hidden(banded):
    sand = MARS.names.index("sand")
    gray, color = bands()[28, 0], np.array(MARS.colors[sand])
    for opacity in (0, 50, 100):
        set_opacity(banded, opacity)
        expected = gray + (color - gray) * opacity / 100
        assert np.abs(color_at(banded, 30, 28) - expected).max() <= 2
    banded.uncheck(f"#legend input >> nth={sand}")
    assert np.abs(color_at(banded, 30, 28) - gray).max() <= 2
    banded.check(f"#legend input >> nth={sand}")
    banded.select_option("select[name=view]", "confidence")
    assert np.ptp(color_at(banded, 30, 28)) == 0
    set_opacity(banded, 45)


def test_hovering_tells_class_and_confidence(banded):
    banded.mouse.move(*pixel(banded, 10, 12))
    assert banded.text_content("#readout").startswith("soil, confidence")
    assert banded.text_content("#readout").endswith("at x 10, y 12")
    banded.mouse.move(5, 5)
    assert banded.text_content("#readout") == ""


def test_a_large_image_is_zoomed_to_the_pixel_and_moved(page):
    open_images(page, as_file("large.png", np.zeros((400, 4000), np.uint8)))
    page.click("button[value=fit]")
    x, y = map(round, pixel(page, 1900, 200))
    page.mouse.move(x, y)
    before = position(page)
    assert before == pytest.approx((1900, 200), abs=5)  # a pixel of the screen is several wide
    for _ in range(12):
        page.mouse.wheel(0, -400)
    page.wait_for_timeout(200)
    page.mouse.move(x + 1, y)
    assert position(page) == pytest.approx(before, abs=1)
    page.mouse.move(x + 129, y)
    assert position(page)[0] - before[0] == pytest.approx(2, abs=1)  # 64 to a pixel
    page.mouse.down()
    held = position(page)
    page.mouse.move(x - 300, y + 100, steps=3)
    page.mouse.up()
    assert position(page) == held  # the image moved with the pointer


def position(page):
    """The pixel that the pointer is at, as the page tells it."""
    across, down = page.text_content("#readout").split(" at x ")[1].split(", y ")
    return int(across), int(down)


def test_results_are_downloaded(banded):
    name, content = downloaded(banded, "#downloads button[value=mask]")
    assert name == "NLA_397681372EDR_F0020000AUT_04096M1_mask.png"
    assert (decode(content) == brightness_mask(bands())).all()
    assert Image.open(io.BytesIO(content)).getpalette()[3:6] == list(MARS.colors[1])

    _, content = downloaded(banded, "#downloads button[value=overlay]")
    assert decode(content).shape[:2] == (40, 60)

    _, content = downloaded(banded, "#downloads button[value=geojson]")
    features = json.loads(content)["features"]
    assert [feature["properties"]["name"] for feature in features] == list(MARS.names[1:])
    assert all(feature["properties"]["pixels"] == 480 for feature in features)

    _, content = downloaded(banded, "#downloads button[value=csv]")
    header, row = (line.split(",") for line in content.decode().splitlines())
    values = dict(zip(header, row, strict=True))
    assert (values["soil"], values["sol"], values["corrected"]) == ("0.250000", "2", "no")


def test_a_region_is_painted_undone_and_saved(banded, corrections):
    banded.check("input[value=brush]")
    banded.select_option("select[name=class]", "4")
    banded.locator("input[name=size]").fill("7")
    banded.mouse.move(*pixel(banded, 20, 4))
    banded.mouse.down()
    banded.mouse.move(*pixel(banded, 40, 4), steps=4)
    banded.mouse.up()
    banded.mouse.move(*pixel(banded, 30, 4))
    assert banded.text_content("#readout").startswith("big rock, corrected")

    banded.click("#undo")
    banded.mouse.move(*pixel(banded, 30, 4))
    assert banded.text_content("#readout").startswith("background, confidence")
    assert banded.get_attribute("#save", "aria-disabled") == "true"
    banded.click("#redo")

    banded.check("input[value=polygon]")
    for x, y in ((5, 10), (15, 10), (15, 14), (5, 14)):
        banded.mouse.click(*pixel(banded, x - 0.5, y - 0.5))  # corners of pixels
    banded.click("#close-polygon")
    banded.check("input[value=fill]")
    banded.select_option("select[name=class]", "2")
    banded.mouse.click(*pixel(banded, 30, 36))

    mask = decode(downloaded(banded, "#downloads button[value=mask]")[1])
    expected = brightness_mask(bands())
    rows, columns = np.ogrid[:40, :60]
    along = np.clip(columns + 0.5, 20.5, 40.5)
    near = np.hypot(columns + 0.5 - along, rows + 0.5 - 4.5) <= 3.5
    expected[near] = 4
    expected[10:14, 5:15] = 4
    expected[32:] = 2
    assert (mask != expected).sum() <= 6  # the pointer is not exact at the edges
    assert (mask[32:] == 2).all()

    if "Download" in banded.get_attribute("#save", "title"):
        name, content = downloaded(banded, "#save")
        assert name == "NLA_397681372EDR_F0020000AUT_04096M1.png"
        assert (decode(content) == mask).all()
    else:
        banded.click("#save")
        banded.wait_for_selector("#saved:has-text('1 corrected image now')")
        (path,) = corrections.glob("masks/*.png")
        assert (decode(path.read_bytes()) == mask).all()


def test_two_models_are_compared(banded):
    banded.select_option("select[name=compare]", "flagship-64")
    banded.wait_for_selector(".pane:nth-child(2) .status:empty", state="attached")
    assert banded.locator(".pane:visible figcaption").all_text_contents() == [
        "flagship-256",
        "flagship-64",
    ]
    box = banded.locator("canvas").nth(1).bounding_box()
    banded.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert banded.text_content("#readout").count("confidence") == 2
    banded.select_option("select[name=compare]", "")
    assert banded.locator(".pane:visible").count() == 1


def test_a_file_that_is_no_image_is_told(browser, address):
    with visiting(browser, address, refused=[422]) as page:
        notes = {"name": "notes.png", "mimeType": "image/png", "buffer": b"not an image"}
        page.set_input_files("#files", [notes, as_file("a.png", draw())])
        page.wait_for_selector('.status:has-text("notes.png: ")')
        page.wait_for_selector('#progress-text:text-is("1 of 2 images done, 1 failed")')
        page.wait_for_selector('.card.warned .name:text-is("notes.png")')


def test_the_keyboard_suffices(browser, address):
    with visiting(browser, address) as page:
        page.locator("#samples button").first.focus()
        page.keyboard.press("Enter")
        shown(page, "outcrop.png")
        page.keyboard.press("o")
        assert page.input_value("select[name=view]") == "image"
        page.keyboard.press("o")
        page.keyboard.press("]")
        assert page.text_content("#opacity-value") == "55 %"
        page.keyboard.press("b")
        page.keyboard.press("4")
        page.locator("canvas").first.focus()
        page.keyboard.press("ArrowRight")
        assert "confidence" in page.text_content("#announcement")
        page.keyboard.press("Space")
        assert page.text_content("#readout") == "" or "big rock" in page.text_content(
            "#announcement"
        )
        page.keyboard.press("Shift+ArrowLeft")
        assert page.text_content("#announcement").startswith("big rock, corrected")
        page.keyboard.press(f"{CONTROL}+z")
        page.keyboard.press("Shift+ArrowRight")
        assert "confidence" in page.text_content("#announcement")
        page.locator("summary").press("Enter")
        page.locator("#shortcuts").press("Space")
        page.keyboard.press("o")
        assert page.input_value("select[name=view]") == "overlay"


def test_two_hundred_images_pass_through_the_gallery(browser, address):
    with visiting(browser, address) as page:
        page.set_input_files(
            "#files", [as_file(f"image {index:03}.png", draw(index)) for index in range(200)]
        )
        page.wait_for_selector('#progress-text:text-is("200 of 200 images done")')
        assert page.locator(".card").count() == 200
        page.select_option("#gallery select[name=sort]", "share big rock")
        shares = [int((brightness_mask(draw(index)) == 4).sum()) for index in range(200)]
        ground = [int((brightness_mask(draw(index)) > 0).sum()) for index in range(200)]
        best = max(range(200), key=lambda index: shares[index] / ground[index])
        assert page.text_content(".card .name") == f"image {best:03}.png"
        page.fill("#gallery input[name=text]", "image 12")
        assert page.text_content("#standing") == "10 of 200 images"
        page.click(".card button >> nth=0")
        assert page.text_content("#title").startswith("image 12")
        _, content = downloaded(page, "#table")
        assert len(content.decode().splitlines()) == 11


def test_a_phone_in_the_dark(browser, address):
    with visiting(browser, address, color_scheme="dark") as page:
        page.set_viewport_size({"width": 375, "height": 700})
        page.click("#samples button >> nth=0")
        shown(page, "outcrop.png")
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(29, 26, 24)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_by_axe(browser, address, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    with visiting(browser, address, color_scheme=scheme) as page:
        open_images(page, as_file("a.png", bands()), as_file("b.png", draw()))
        page.wait_for_selector('#progress-text:text-is("2 of 2 images done")')
        page.check("input[value=brush]")
        page.evaluate("document.querySelector('details').open = true")
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
        found = axe.Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
        assert not found.response["violations"], found.generate_report()


def test_suggested_images_are_opened_in_their_order(browser, start_service, tmp_path):
    found = []
    for name in ("second", "missing", "first"):
        path = tmp_path / f"{name}.png"
        if name != "missing":
            path.write_bytes(as_png(draw()))
        found.append(Suggestion(name, str(path), 0.5, 0.5, 0.0))
    write_suggestions(tmp_path / "suggestions.json", found, "model")
    client = start_service(suggestions=tmp_path / "suggestions.json")
    with visiting(browser, f"{client.base_url}/", refused=[404]) as page:
        page.click('#suggested:text-is("Open 3 suggested images")')
        page.wait_for_selector('#progress-text:text-is("2 of 2 images done")')
        assert page.locator(".card .name").all_text_contents() == ["second.png", "first.png"]
        assert "missing.png" in page.text_content("#notice")


def test_the_token_of_the_service_is_asked_for(browser, engine, start_service):
    client = start_service(token="secret")
    page = browser.new_page()
    page.set_default_timeout(60_000)
    for token in ("wrong", "secret"):
        if token == "wrong":
            page.goto(str(client.base_url))
        page.wait_for_selector("#token-dialog[open]")
        page.fill("#token-dialog input", token)
        page.press("#token-dialog input", "Enter")
    page.wait_for_selector("body[data-ready]")
    page.wait_for_selector("#samples img[src^='blob:']")
    page.goto("about:blank")
    page.goto(f"{client.base_url}/#token=secret")
    page.wait_for_selector("body[data-ready]")
    assert "secret" not in page.url
    page.close()
