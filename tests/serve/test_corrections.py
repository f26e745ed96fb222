"""Corrected masks are saved as a dataset, and suggestions are listed."""

import pytest
from PIL import Image
from serving import as_png, brightness_mask, decode, draw

import areoseg
from areoseg.labeling.suggest import Suggestion, write_suggestions


def post(client, image, mask, file="frame.png", **fields):
    files = {"image": (file, as_png(image)), "mask": ("mask.png", as_png(mask))}
    return client.post("/v1/corrections", files=files, data=fields)


def test_corrections_become_a_dataset(start_service, tmp_path):
    client = start_service(corrections=tmp_path / "data")
    image, mask = draw(1), brightness_mask(draw(1))
    mask[:8] = 2

    first = post(client, image, brightness_mask(image))
    again = post(client, image, mask)
    other = post(client, draw(2), brightness_mask(draw(2)), file="../../b.png")

    assert first.status_code == again.status_code == 201
    assert again.json() == {"name": "frame", "mask": "masks/frame.png", "saved": 1}
    assert other.json()["name"] == "b"
    data = areoseg.read(tmp_path / "data").labeled
    assert data.names == ("b", "frame")
    assert (data.masks[1] == mask).all()
    assert (data.images[1] == image).all()


def test_the_field_name_chooses_the_name(start_service, tmp_path):
    client = start_service(corrections=tmp_path / "data")

    answer = post(client, draw(), brightness_mask(draw()), file="a.png", name="sol 12")

    assert answer.json()["name"] == "sol 12"
    assert (tmp_path / "data" / "images" / "sol 12.png").is_file()


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (brightness_mask(draw(0, (32, 56))), "the mask is 56x32 and the image 48x32"),
        (draw(0), "outside the classes"),
        (draw(0)[..., None].repeat(3, 2) // [1, 2, 3], "in color"),
    ],
)
def test_masks_that_do_not_fit(start_service, tmp_path, mask, message):
    client = start_service(corrections=tmp_path / "data")

    answer = post(client, draw(), mask.astype("uint8"))

    assert answer.status_code == 422
    assert message in answer.json()["detail"]
    assert "/tmp" not in answer.json()["detail"]
    assert not (tmp_path / "data" / "masks").exists()


def test_corrections_are_refused_without_a_folder(client):
    answer = post(client, draw(), brightness_mask(draw()))

    assert answer.status_code == 403
    assert "--corrections" in answer.json()["detail"]


def test_suggestions_are_listed_in_order(start_service, tmp_path):
    suggestions = []
    for index in (4, 3):
        path = tmp_path / f"image{index}.png"
        Image.fromarray(draw(index)).save(path)
        suggestions.append(Suggestion(f"image{index}", str(path), 0.5, 0.5, 0.0))
    suggestions.append(Suggestion("gone", str(tmp_path / "gone.png"), 0.1, 0.1, 0.0))
    write_suggestions(tmp_path / "suggestions.json", suggestions, "model")
    client = start_service(suggestions=tmp_path / "suggestions.json", corrections=tmp_path / "data")
    post(client, draw(3), brightness_mask(draw(3)), file="image3.png")

    listed = client.get("/v1/suggestions").json()

    assert [each["name"] for each in listed] == ["image4.png", "image3.png", "gone.png"]
    assert [each["corrected"] for each in listed] == [False, True, False]
    assert (decode(client.get(listed[0]["url"]).content) == draw(4)).all()
    assert client.get(listed[2]["url"]).status_code == 404
    assert client.get("/v1/suggestions/7").status_code == 404
    assert client.get("/v1/suggestions/-1").status_code == 404
