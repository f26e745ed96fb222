"""What every registered loss must do."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from areoseg.errors import AreosegError
from areoseg.losses.base import LOSSES
from areoseg.losses.combined import build_loss
from areoseg.taxonomy import VOID

CLASS_WEIGHTS = torch.tensor([0.5, 1.0, 1.0, 2.0, 9.0])
CASES = {
    **{name: {name: 1.0} for name in LOSSES},
    "generalized dice": {"dice": {"generalized": True}},
    "boundary edges": {"boundary": {"kind": "edges"}},
    "focal, gamma below 1": {"focal": {"gamma": 0.5}},
    "focal, alpha": {"focal": {"alpha": [0.0, 1.0, 1.0, 2.0, 9.0]}},
    "smoothed ce": {"ce": {"label_smoothing": 0.1}},
    "weighted dice": {"dice": {"class_weighted": True}},
    "weighted generalized dice": {"dice": {"class_weighted": True, "generalized": True}},
    "weighted lovasz": {"lovasz": {"class_weighted": True}},
}
NEIGHBORS_MATTER = {"boundary", "boundary edges", "edge-ce", "backpropagators-code"}
BOUNDED_BY_ONE = {
    "dice",
    "generalized dice",
    "weighted dice",
    "weighted generalized dice",
    "jaccard",
    "tversky",
    "focal-tversky",
    "lovasz",
    "weighted lovasz",
    "boundary edges",
}
each_loss = pytest.mark.parametrize("case", CASES)
some_examples = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def compute(case, logits, targets):
    loss = build_loss(CASES[case], class_weights=CLASS_WEIGHTS, classes=5, background=0)
    return loss(logits, targets)[0]


@each_loss
@some_examples
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.1, 1.0, 30.0]))
def test_a_loss_is_a_finite_scalar_in_its_range(case, make_batch, seed, scale):
    logits, targets = make_batch(seed)
    value = compute(case, scale * logits, targets)
    assert value.shape == ()
    assert value.isfinite()
    if case != "boundary":
        assert value >= 0
    if case in BOUNDED_BY_ONE:
        assert value <= 1 + 1e-6


@each_loss
def test_the_gradient_is_right(case, make_batch):
    logits, targets = make_batch(1, height=4, width=5, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda z: compute(case, z, targets), logits.requires_grad_(), atol=1e-6
    )


@each_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_all_void_gives_exactly_zero_and_no_gradient(case, make_batch, dtype):
    logits, targets = make_batch(dtype=dtype)
    logits.requires_grad_()
    value = compute(case, logits, torch.full_like(targets, VOID))
    value.backward()
    assert value == 0
    assert (logits.grad == 0).all()


@each_loss
def test_logits_of_void_pixels_do_not_matter(case, make_batch):
    logits, targets = make_batch(2)
    logits.requires_grad_()
    void = (targets == VOID).unsqueeze(1)
    assert void.any()
    value = compute(case, logits, targets)
    value.backward()
    other = logits.detach().masked_fill(void, 7.0)
    other[:, 0] += 3 * void[:, 0]
    torch.testing.assert_close(compute(case, other, targets), value.detach())
    assert (logits.grad[void.expand_as(logits)] == 0).all()


@pytest.mark.parametrize("case", sorted(set(CASES) - NEIGHBORS_MATTER))
@some_examples
@given(seed=st.integers(0, 2**32 - 1))
def test_a_void_pixel_counts_as_one_that_is_not_there(case, make_batch, seed):
    logits, targets = make_batch(seed)
    known = targets != VOID
    rest = logits.movedim(1, -1)[known].T[None, :, None]
    torch.testing.assert_close(
        compute(case, rest, targets[known][None, None]), compute(case, logits, targets)
    )


@pytest.mark.parametrize("case", ["boundary", "edge-ce"])
def test_a_void_frame_counts_as_one_that_is_not_there(case, make_batch):
    logits, targets = make_batch(3)
    targets[:, [0, -1]] = VOID
    targets[:, :, [0, -1]] = VOID
    inner = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(
        compute(case, logits[inner], targets[inner]), compute(case, logits, targets)
    )


@each_loss
@some_examples
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_images_and_turning_them_round_do_not_matter(case, make_batch, seed):
    logits, targets = make_batch(seed, images=3)
    value = compute(case, logits, targets)
    for change in (
        lambda maps: maps[[2, 0, 1]],
        lambda maps: maps.flip(-1, -2),
        lambda maps: maps.transpose(-1, -2),
    ):
        changed = compute(case, change(logits), change(targets))
        torch.testing.assert_close(changed, value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", sorted(set(CASES) - {"backpropagators-code"}))
@pytest.mark.parametrize("axis", [-1, -2])
def test_mirroring_images_does_not_matter(case, make_batch, axis):
    logits, targets = make_batch(9)
    torch.testing.assert_close(
        compute(case, logits.flip(axis), targets.flip(axis)), compute(case, logits, targets)
    )


@each_loss
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_logits_are_computed_in_float32(case, make_batch, dtype):
    logits, targets = make_batch(4, dtype=dtype)
    value = compute(case, logits, targets)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, compute(case, logits.float(), targets), rtol=0, atol=0)


@each_loss
@pytest.mark.parametrize("right", [True, False])
def test_saturated_logits_keep_value_and_gradient_finite(case, make_batch, right):
    logits, targets = make_batch(5)
    guess = targets.where(targets != VOID, 0)
    guess = guess if right else (guess + 1) % 5
    logits = 1e4 * torch.nn.functional.one_hot(guess, 5).movedim(-1, 1).float()
    value = compute(case, logits.requires_grad_(), targets)
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()


@each_loss
def test_a_right_answer_costs_less_than_a_wrong_one(case, make_batch):
    _, targets = make_batch(6, void=0)
    right = 20.0 * torch.nn.functional.one_hot(targets, 5).movedim(-1, 1).float()
    wrong = right.roll(1, dims=1)
    assert compute(case, right, targets) < compute(case, wrong, targets)
    if case not in {"boundary", "smoothed ce", "backpropagators-code"}:
        assert compute(case, right, targets) < 1e-5


@each_loss
@pytest.mark.parametrize("label", range(5))
def test_a_batch_of_a_single_class_gives_a_finite_loss(case, make_batch, label):
    logits, targets = make_batch(7)
    logits.requires_grad_()
    value = compute(case, logits, torch.full_like(targets, label))
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()


@each_loss
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda z, y: (z, y[:, 1:]), r"targets \(2, 6, 9\)"),
        (lambda z, y: (z[0], y), r"logits \(5, 7, 9\)"),
        (lambda z, y: (z, y.int()), "targets of torch.int32"),
        (lambda z, y: (z.long(), y), "logits of torch.int64"),
        (lambda z, y: (z, y.where(y != 4, 5)), "from 0 to 5"),
        (lambda z, y: (z, y.where(y != 4, -1)), "from -1"),
    ],
)
def test_input_that_does_not_fit_is_refused(case, make_batch, change, message):
    with pytest.raises(AreosegError, match=message):
        compute(case, *change(*make_batch()))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=lambda loss: loss.name)
def test_every_loss_has_a_summary_a_source_and_only_its_own_options(loss):
    assert loss.summary
    assert loss.paper
    own = loss.options().options
    assert ("class_weighted" in own) == ("class_weights" in loss.parameters)
    own.pop("class_weighted", None)
    assert loss.parameters == {*own} | loss.parameters & {
        "logits",
        "targets",
        "class_weights",
        "background",
    }
