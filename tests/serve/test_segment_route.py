"""`POST /v1/segment`: every kind of answer, checked against what the model predicts."""

import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile
from PIL import Image
from serving import as_png, brightness_mask, decode, draw

from areoseg.errors import AreosegError
from areoseg.serve.settings import Settings
from areoseg.taxonomy import MARS
from areoseg.utils.images import overlay


def post(client, image, name="image.png", **parameters):
    return client.post("/v1/segment", files={"image": (name, image)}, params=parameters)


def test_mask_overlay_and_confidence_are_those_of_the_model(client):
    image = draw(1)
    mask = brightness_mask(image)

    answers = {
        name: post(client, as_png(image), output=name) for name in ("mask", "overlay", "confidence")
    }

    assert {answer.status_code for answer in answers.values()} == {200}
    assert (decode(answers["mask"].content) == mask).all()
    with Image.open(io.BytesIO(answers["mask"].content)) as opened:
        assert opened.mode == "P"
    assert (decode(answers["overlay"].content) == overlay(image, mask, MARS)).all()
    assert (decode(answers["confidence"].content) == round(0.8 * 255)).all()
    assert answers["mask"].headers["content-disposition"].startswith('attachment; filename="image-')


def test_json_has_shares_of_the_ground(client):
    image = draw(2)
    mask = brightness_mask(image)

    found = post(client, as_png(image), name="NLB_430335904EDR_F0130000NCAM07812M1.png").json()

    ground = mask > 0
    shares = {MARS.names[i]: (mask == i).sum() / ground.sum() for i in MARS.terrain}
    assert found["shares"] == pytest.approx(shares, abs=1e-6)
    assert found["background"] == pytest.approx(1 - ground.mean())
    assert (found["width"], found["height"]) == (48, 32)
    assert (found["site"], found["drive"]) == (13, 0)
    assert found["model"] == "flagship-256"
    assert found["names"] == list(MARS.names)
    assert found["mean_confidence"] == pytest.approx(0.8, abs=1e-5)


def test_bundle_has_three_pictures(client):
    image = draw(3)

    found = post(client, as_png(image), output="bundle").json()

    pictures = {
        name: decode(base64.b64decode(found[name])) for name in ("image", "mask", "confidence")
    }
    assert (pictures["image"] == image).all()
    assert (pictures["mask"] == brightness_mask(image)).all()
    assert (pictures["confidence"] == 204).all()


def test_probabilities_and_polygons(client):
    image = draw(4)

    probabilities = post(client, as_png(image), output="probabilities")
    polygons = post(client, as_png(image), output="geojson")

    with np.load(io.BytesIO(probabilities.content)) as archive:
        assert (archive["probabilities"].argmax(-1) == brightness_mask(image)).all()
    features = json.loads(polygons.content)["features"]
    counted = sum(feature["properties"]["pixels"] for feature in features)
    assert counted == (brightness_mask(image) > 0).sum()


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("image/png", "image/png"),
        ("image/*;q=0.5, application/geo+json", "application/geo+json"),
        ("text/html, application/json;q=0.1", "application/json"),
        ("application/x-npz", "application/x-npz"),
    ],
)
def test_accept_chooses_the_answer(client, accept, kind):
    files = {"image": ("a.png", as_png(draw()))}

    answer = client.post("/v1/segment", files=files, headers={"Accept": accept})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind


def test_accept_without_an_answer(client):
    files = {"image": ("a.png", as_png(draw()))}

    answer = client.post("/v1/segment", files=files, headers={"Accept": "video/mp4;q=x, text/css"})

    assert answer.status_code == 406
    assert "image/png" in answer.json()["detail"]


def test_sixteen_bits_are_kept(client):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, draw(5).astype(np.uint16) * 257)

    answer = post(client, buffer.getvalue(), name="frame.tif", output="mask")

    assert (decode(answer.content) == brightness_mask(draw(5))).all()


def test_a_large_image_is_tiled(client, engine):
    image = draw(6, (520, 640))

    answer = post(client, as_png(image), output="mask")

    assert (decode(answer.content) == brightness_mask(image)).mean() > 0.97  # it is resized


def test_unknown_model(client):
    answer = post(client, as_png(draw()), model="flagship-265")

    assert answer.status_code == 404
    assert "flagship-256" in answer.json()["detail"]


def test_waiting_requests_share_forward_passes_and_are_not_mixed_up(client, engine):
    engine.seconds = 0.02
    images = [draw(index) for index in range(48)]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda image: post(client, as_png(image), output="mask"), images))

    for image, answer in zip(images, answers, strict=True):
        assert answer.status_code == 200
        assert (decode(answer.content) == brightness_mask(image)).all()
    assert max(engine.batches) > 1
    assert sum(engine.batches) == len(images)


def test_two_models_are_served_by_name(start_service):
    client = start_service(models=("flagship-256", "flagship-64"))

    listed = client.get("/v1/models").json()
    answer = post(client, as_png(draw()), model="flagship-64")

    assert [(each["name"], each["default"]) for each in listed] == [
        ("flagship-256", True),
        ("flagship-64", False),
    ]
    assert answer.json()["model"] == "flagship-64"


def test_settings_are_checked():
    with pytest.raises(AreosegError, match="--queue 0"):
        Settings(models=("flagship-256",), queue=0)
