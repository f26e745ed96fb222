import copy
import pickle

import pytest
import torch
import torch.nn.functional as F

from areoseg.errors import AreosegError
from areoseg.losses import parse_loss
from areoseg.losses.backpropagators import BACKPROPAGATORS
from areoseg.losses.combined import build_loss, resize_targets
from areoseg.losses.pixel import background_penalty, cross_entropy, focal
from areoseg.losses.region import dice

WEIGHTS = torch.tensor([0.2, 1.0, 1.5, 2.0, 7.0])


def build(terms, **options):
    return build_loss(terms, **{"class_weights": WEIGHTS, "classes": 5, "background": 0, **options})


def test_the_total_is_the_weighted_sum_and_each_term_is_given_before_its_weight(make_batch):
    batch = make_batch()
    loss = build({"ce": 2.0, "dice": 0.5, "focal": {"weight": 3, "gamma": 0.5}})
    total, values = loss(*batch)
    expected = {
        "ce": cross_entropy(*batch, class_weights=WEIGHTS),
        "dice": dice(*batch),
        "focal": focal(*batch, class_weights=WEIGHTS, gamma=0.5),
    }
    assert values == expected
    weighted = 2 * expected["ce"] + 0.5 * expected["dice"] + 3 * expected["focal"]
    torch.testing.assert_close(total, weighted)


def test_the_values_are_detached_and_the_total_is_not(make_batch):
    logits, targets = make_batch()
    total, values = build(BACKPROPAGATORS)(logits.requires_grad_(), targets)
    assert total.requires_grad
    assert list(values) == list(BACKPROPAGATORS)
    assert not any(value.requires_grad for value in values.values())


def test_class_weights_reach_the_terms_that_ask_for_them(make_batch):
    batch = make_batch()
    weighted = {"class_weighted": True}
    _, values = build({"ce": {"class_weighted": False}, "dice": weighted})(*batch)
    assert values["ce"] == cross_entropy(*batch)
    assert values["dice"] == dice(*batch, class_weights=WEIGHTS)
    _, values = build({"ce": 1, "dice": weighted}, class_weights=None)(*batch)
    assert values["ce"] == cross_entropy(*batch)
    assert values["dice"] == dice(*batch)


def test_the_background_class_reaches_the_penalty(make_batch):
    batch = make_batch()
    _, values = build({"background": 1}, background=3)(*batch)
    assert values["background"] == background_penalty(*batch, background=3)


@pytest.mark.parametrize("progress", [0.0, 0.25, 1.0])
def test_a_ramp_moves_the_weight_with_progress(make_batch, progress):
    batch = make_batch()
    loss = build({"ce": 1.0, "boundary": {"weight": 0.1, "ramp": [0, 1]}})
    total, values = loss(*batch, progress)
    torch.testing.assert_close(total, values["ce"] + 0.1 * progress * values["boundary"])


def test_without_a_progress_the_ramps_are_at_their_end(make_batch):
    loss = build({"ce": {"ramp": [0, 1]}})
    assert loss(*make_batch())[0] == loss(*make_batch(), 1.0)[0]


def test_auxiliary_outputs_add_their_share(make_batch):
    logits, targets = make_batch(height=8, width=12)
    half, quarter = F.avg_pool2d(logits, 2), F.avg_pool2d(logits, 4)
    loss = build({"ce": 1.0, "dice": 1.0}, auxiliary_weights=(0.4, 0.2))
    main, main_values = loss(logits, targets)
    total, values = loss((logits, half, quarter), targets)
    alone = build({"ce": 1.0, "dice": 1.0})
    first = alone(half, resize_targets(targets, 4, 6))[0]
    second = alone(quarter, resize_targets(targets, 2, 3))[0]
    torch.testing.assert_close(total, main + 0.4 * first + 0.2 * second)
    torch.testing.assert_close(values.pop("auxiliary"), 0.4 * first + 0.2 * second)
    assert values == main_values


def test_auxiliary_outputs_need_a_weight_each(make_batch):
    logits, targets = make_batch()
    with pytest.raises(AreosegError, match=r"gave 1 auxiliary outputs .* 0 auxiliary weights"):
        build({"ce": 1.0})((logits, logits), targets)
    with pytest.raises(AreosegError, match=r"gave 0 auxiliary outputs .* 1 auxiliary weights"):
        build({"ce": 1.0}, auxiliary_weights=(0.4,))((logits,), targets)


@pytest.mark.parametrize("size", [(4, 6), (3, 5), (8, 12), (1, 1), (16, 7)])
def test_targets_are_resized_to_the_nearest_pixel(make_batch, size):
    _, targets = make_batch(height=8, width=12)
    expected = F.interpolate(targets[:, None].double(), size=size, mode="nearest-exact")
    assert torch.equal(resize_targets(targets, *size), expected[:, 0].long())


def test_a_checked_table_builds_the_same_loss_as_the_raw_one(make_batch):
    batch = make_batch()
    assert build(parse_loss(BACKPROPAGATORS))(*batch)[0] == build(BACKPROPAGATORS)(*batch)[0]


def test_a_loss_can_be_copied_and_sent_to_another_process(make_batch):
    batch = make_batch()
    loss = build(BACKPROPAGATORS)
    for twin in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert twin(*batch)[0] == loss(*batch)[0]


def test_a_network_learns_from_the_preset(make_batch):
    logits, targets = make_batch()
    logits.requires_grad_()
    loss = build(BACKPROPAGATORS)
    optimizer = torch.optim.Adam([logits], lr=0.1)
    before = loss(logits, targets)[0].item()
    for _ in range(30):
        optimizer.zero_grad()
        loss(logits, targets)[0].backward()
        optimizer.step()
    assert loss(logits, targets)[0].item() < 0.1 * before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"terms": {"cee": 1}}, "did you mean 'ce'"),
        ({"class_weights": torch.ones(4)}, "for 5 classes"),
        ({"class_weights": -torch.ones(5)}, "none negative"),
        ({"auxiliary_weights": (0.4, -1.0)}, "none below 0"),
        (
            {"terms": {"backpropagators-code": {"big_rock": 5}}},
            "loss.backpropagators-.* big rock 5",
        ),
        ({"terms": {"focal": {"alpha": [1, 2]}}}, "loss.focal: alpha has 2 numbers for 5 classes"),
    ],
)
def test_what_cannot_be_built_is_refused(options, message):
    with pytest.raises(AreosegError, match=message):
        build(**{"terms": {"ce": 1.0}, **options})
