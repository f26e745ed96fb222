import base64
import io

import numpy as np
from PIL import Image

from areoseg.report.examples import Example
from areoseg.report.pictures import (
    UNCOUNTED_COLOR,
    WRONG_COLOR,
    error_map,
    image_uri,
    mask_uri,
    stretched,
)
from areoseg.taxonomy import MARS, VOID
from areoseg.utils.images import color_mask


def decoded(uri):
    head, content = uri.split(",", 1)
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def test_a_mask_comes_out_in_its_class_colors():
    mask = np.array([[0, 1, 2], [3, 4, VOID]], dtype=np.uint8)
    np.testing.assert_array_equal(decoded(mask_uri(mask, MARS)), color_mask(mask, MARS))


def test_a_prediction_of_any_integer_type_is_drawn():
    mask = np.array([[0, 4]], dtype=np.int64)
    assert decoded(mask_uri(mask, MARS)).shape == (1, 2, 3)


def test_images_stretched_alike_can_be_compared_in_brightness():
    dark = np.linspace(50, 100, 64).astype(np.uint8).reshape(8, 8)
    brighter = dark + np.uint8(20)
    assert (stretched(brighter) == stretched(dark)).all()
    alike = stretched(brighter, like=dark)
    assert alike.mean() > stretched(dark).mean() + 60
    assert (stretched(dark, like=dark) == stretched(dark)).all()


def test_large_pictures_are_reduced_and_keep_their_shape():
    assert decoded(image_uri(np.zeros((512, 1024), np.uint8))).shape == (128, 256)
    mask = np.random.default_rng(0).integers(0, 5, (640, 320)).astype(np.uint8)
    reduced = decoded(mask_uri(mask, MARS))
    assert reduced.shape == (256, 128, 3)
    colors = {tuple(color) for color in reduced.reshape(-1, 3).tolist()}
    assert colors <= set(MARS.colors)  # no mixed colors


def test_a_dark_image_is_stretched_and_a_constant_one_survives():
    dark = np.arange(20, 60, dtype=np.uint8).reshape(5, 8)
    assert (stretched(dark).min(), stretched(dark).max()) == (0, 252)
    assert len(np.unique(stretched(np.full((4, 4), 77, np.uint8)))) == 1


def test_images_of_either_type_look_the_same():
    image = np.arange(0, 250, 10, dtype=np.uint8).reshape(5, 5)
    as_float = image.astype(np.float32) / 255
    np.testing.assert_allclose(stretched(as_float).astype(int), stretched(image), atol=4)


def test_the_error_map_tells_right_wrong_and_uncounted_pixels_apart():
    truth = np.array([[1, 1, 0, VOID]], dtype=np.uint8)
    prediction = np.array([[1, 2, 2, 2]], dtype=np.uint8)
    image = np.array([[0, 80, 160, 255]], dtype=np.uint8)
    right, wrong, background, void = error_map(Example(image, truth, prediction, "a", 0.5), MARS)[0]
    assert tuple(wrong) == WRONG_COLOR
    assert tuple(background) == tuple(void) == UNCOUNTED_COLOR
    assert len(set(right.tolist())) == 1  # gray


def test_a_right_pixel_is_never_as_light_as_an_uncounted_one():
    image = np.array([[0, 255]], dtype=np.uint8)
    truth = np.ones_like(image)
    assert error_map(Example(image, truth, truth, "a", 1.0), MARS).max() < min(UNCOUNTED_COLOR)
