import numpy as np
import pytest
import torch

from areoseg.errors import AreosegError
from areoseg.taxonomy import VOID
from areoseg.testing import check_transform
from areoseg.transforms.compose import build_augmentation
from areoseg.transforms.paste import RareBank, rare_object_bank
from areoseg.transforms.policies import POLICIES, parse_augment
from areoseg.transforms.registry import TRANSFORMS, is_warp

torch.set_num_threads(1)

NAMES = list(TRANSFORMS)
ALL = {name: {"probability": 1} for name in NAMES}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(samples=6, height=32, width=48, seed=0):
    images = torch.rand(samples, 1, height, width, generator=generator(seed))
    masks = torch.randint(0, 5, (samples, height, width), generator=generator(seed))
    return images, masks


@pytest.fixture(scope="module")
def bank():
    masks = np.zeros((1, 20, 20), np.uint8)
    masks[0, 5:12, 6:14] = 4
    return rare_object_bank(np.full((1, 20, 20), 200, np.uint8), masks, 4)


def augment(value, images, masks, bank=None, seed=0):
    function = build_augmentation(parse_augment(value), rare_bank=bank)
    return function(images, masks, generator(seed))


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_contract(name):
    check_transform(name)


def in_place(images, masks, *, generator):
    images += 0.1 * torch.rand(len(images), 1, 1, 1, generator=generator)
    return images.clamp(0, 1), masks


def from_global_generator(images, masks, *, generator):
    return (images + torch.rand(len(images), 1, 1, 1)).clamp(0, 1), masks


def interpolating(images, masks, *, generator):
    return images / 2, masks.float().lerp(masks.flip(0).float(), 0.5).long()


def counting(images, masks, *, generator):
    torch.rand(int((masks == VOID).sum()), generator=generator)
    return images / 2, masks


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (in_place, "changes its input images in place"),
        (from_global_generator, "draws from the global generator"),
        (interpolating, "invents labels"),
        (counting, "number of draws .* depends on the pixels"),
    ],
)
def test_a_plugin_transform_is_checked_by_the_same_contract(monkeypatch, function, message):
    monkeypatch.setattr(TRANSFORMS, "_components", dict(TRANSFORMS._components))
    TRANSFORMS.register("plugin", summary="a test")(function)
    with pytest.raises(AssertionError, match=message):
        check_transform("plugin")


@pytest.mark.parametrize("name", NAMES)
def test_probability_zero_changes_no_bit(name, bank):
    given = batch()
    assert same(augment({name: {"probability": 0}}, *given, bank), given)


@pytest.mark.parametrize("name", NAMES)
def test_probability_one_changes_the_samples_and_leaves_the_input(name, bank):
    images, masks = batch()
    kept = images.clone(), masks.clone()
    new_images, _ = augment({name: {"probability": 1}}, images, masks, bank)
    changed = (new_images != images).flatten(1).any(1)
    # A tile with the rare class may take the box from itself.
    assert changed.any() if name == "rare_cutmix" else changed.all()
    assert same((images, masks), kept)


@pytest.mark.parametrize("name", NAMES)
def test_labels_stay_exact(name, bank):
    images, masks = batch()
    masks = masks * 3  # 0, 3, 6, 9, 12: an interpolated label would show
    value = {name: {"probability": 1}, "rare_class": 12}
    rocks = RareBank(12, bank.objects)
    new_images, new_masks = augment(value, images, masks, rocks)
    assert set(new_masks.unique().tolist()) <= {0, 3, 6, 9, 12, VOID}
    assert new_masks.dtype == torch.int64
    assert new_masks.shape == masks.shape
    assert new_images.dtype == torch.float32
    assert new_images.shape == images.shape


@pytest.mark.parametrize("name", NAMES)
def test_about_the_asked_share_is_changed(name, bank):
    images, masks = batch(200, 16, 20)
    new_images, new_masks = augment({name: {"probability": 0.3}}, images, masks, bank)
    changed = (new_images != images).flatten(1).any(1)
    assert 0.15 < changed.float().mean() < 0.45
    unchanged = ~changed
    assert torch.equal(new_masks[unchanged], masks[unchanged])


@pytest.mark.parametrize("value", [*POLICIES, ALL], ids=[*POLICIES, "all"])
def test_a_batch_follows_from_the_generator_alone(value, bank):
    given = batch()
    torch.manual_seed(1)
    first = augment(value, *given, bank)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert same(first, augment(value, *given, bank))
    assert torch.equal(torch.get_rng_state(), before)  # the global generator is not touched
    if value != "none":
        assert not same(first, augment(value, *given, bank, seed=1))


def test_the_number_of_draws_does_not_depend_on_the_pixels(bank):
    function = build_augmentation(parse_augment(ALL), rare_bank=bank)
    states = []
    for images, masks in (
        batch(),
        (torch.zeros(6, 1, 32, 48), torch.full((6, 32, 48), VOID)),
    ):
        draw = generator()
        function(images, masks, draw)
        states.append(draw.get_state())
    assert torch.equal(*states)


@pytest.mark.parametrize("shape", [(1, 64, 128), (1, 1, 1), (3, 7, 5), (2, 33, 64), (5, 1, 9)])
@pytest.mark.parametrize("value", [*POLICIES, ALL], ids=[*POLICIES, "all"])
def test_any_batch_and_tile_size_works(value, shape, bank):
    images, masks = batch(*shape)
    new_images, new_masks = augment(value, images, masks, bank)
    assert new_images.shape == images.shape
    assert new_masks.shape == masks.shape
    assert new_images.isfinite().all()
    assert new_images.min() >= 0
    assert new_images.max() <= 1 + 1e-6


def test_a_batch_of_void_stays_void_but_for_pasted_objects(bank):
    images, masks = batch()
    masks = torch.full_like(masks, VOID)
    _, new_masks = augment(ALL | {"rare_paste": None}, images, masks)
    assert (new_masks == VOID).all()
    _, new_masks = augment(ALL, images, masks, bank)
    assert set(new_masks.unique().tolist()) == {4, VOID}


@pytest.mark.parametrize(("share", "counts"), [(0, {0}), (0.5, {5}), (0.25, {2, 3}), (1, {10})])
def test_the_original_share_of_each_batch_is_untouched(share, counts):
    images, masks = batch(10)
    function = build_augmentation(
        parse_augment(
            {"original": share, "gamma": {"probability": 1}, "elastic": {"probability": 1}}
        )
    )
    draw = generator()
    seen, places = [], torch.zeros(10, dtype=torch.int64)
    for _ in range(40):
        new_images, new_masks = function(images, masks, draw)
        untouched = (new_images == images).flatten(1).all(1)
        assert torch.equal(new_masks[untouched], masks[untouched])
        seen.append(int(untouched.sum()))
        places += untouched
    assert set(seen) == counts
    assert np.mean(seen) == pytest.approx(10 * share, abs=0.3)
    if 0 < share < 1:
        assert (places > 0).all()  # no place in the batch is always augmented


def test_warps_share_one_interpolation(monkeypatch):
    from areoseg.transforms import compose

    calls = []
    real = compose.resample
    monkeypatch.setattr(compose, "resample", lambda *given: calls.append(1) or real(*given))
    augment({n: {"probability": 1} for n in TRANSFORMS if is_warp(TRANSFORMS[n])}, *batch())
    assert len(calls) == 1


def test_half_turn_by_warp_and_by_flips_cancel_on_labels():
    """Flips before the warps: with a half turn they give the tile back."""
    images, masks = batch(12)
    value = {n: {"probability": 1} for n in ("horizontal_flip", "vertical_flip", "quarter_turn")}
    _, new_masks = augment(value, images, masks)
    back = (new_masks == masks).flatten(1).all(1)
    assert back.any()
    assert not back.all()


def test_pasting_without_objects_is_refused():
    settings = parse_augment({"rare_paste": {}})
    with pytest.raises(AreosegError, match="there is no rare_bank"):
        build_augmentation(settings)
    with pytest.raises(AreosegError, match="the rare_bank is empty"):
        build_augmentation(settings, rare_bank=RareBank(4, ()))


@pytest.mark.parametrize(
    ("images", "masks", "message"),
    [
        (torch.rand(2, 8, 8), torch.zeros(2, 8, 8).long(), "images are"),
        (torch.rand(2, 3, 8, 8), torch.zeros(2, 8, 8).long(), "images are"),
        (torch.zeros(2, 1, 8, 8).byte(), torch.zeros(2, 8, 8).long(), "images are"),
        (torch.rand(2, 1, 8, 8), torch.zeros(2, 8, 8), "masks are"),
        (torch.rand(2, 1, 8, 8), torch.zeros(2, 8, 9).long(), "masks are"),
        (torch.rand(2, 1, 8, 8), torch.zeros(3, 8, 8).long(), "masks are"),
    ],
)
def test_tensors_that_are_no_batch_are_refused(images, masks, message):
    with pytest.raises(AreosegError, match=message):
        augment("mild", images, masks)


def test_a_sample_gets_only_the_warps_that_picked_it():
    images, masks = batch(200, 16, 20)
    value = {"quarter_turn": {"probability": 0.3}, "elastic": {"probability": 1, "alpha": 0}}
    _, new_masks = augment(value, images, masks)
    turned = (new_masks != masks).flatten(1).any(1)
    assert 0.15 < turned.float().mean() < 0.45
