"""`check_loss` passes every registered loss, and finds what is wrong with others."""

import pytest

from areoseg.errors import AreosegError
from areoseg.losses import LOSSES, register_loss
from areoseg.losses.base import at_label, prepare, weighted_mean
from areoseg.testing import check_loss


@pytest.fixture
def temporary_losses(monkeypatch):
    monkeypatch.setattr(LOSSES, "_components", dict(LOSSES._components))


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_passes(name):
    check_loss(name)


def test_options_are_passed_on():
    check_loss("boundary", kind="edges")
    with pytest.raises(AreosegError, match="did you mean 'kind'"):
        check_loss("boundary", knid="edges")


def test_a_new_loss_is_one_function(temporary_losses):
    @register_loss("soft-error", class_weighted=True)
    def soft_error(logits, targets, *, class_weights=None, power: float = 1.0):
        """One minus the probability of the true class."""
        logits, labels, known = prepare(logits, targets)
        error = 1 - at_label(logits.softmax(dim=1), labels)
        return weighted_mean(error.pow(power), known.float())

    assert LOSSES["soft-error"].summary == "One minus the probability of the true class"
    assert LOSSES["soft-error"].options().options == {"class_weighted": True, "power": 1.0}
    check_loss("soft-error", power=2.0)


def mean_error(logits, targets):
    return (1 - logits.softmax(dim=1)[:, 1]).mean()


def counts_void(logits, targets):
    logits, labels, _ = prepare(logits, targets)
    return (1 - at_label(logits.softmax(dim=1), labels)).mean()


def unbounded(logits, targets):
    logits, labels, known = prepare(logits, targets)
    return weighted_mean(-at_label(logits.softmax(dim=1), labels).log(), known.float())


def backwards(logits, targets):
    logits, labels, known = prepare(logits, targets)
    return weighted_mean(at_label(logits.softmax(dim=1), labels), known.float())


def first_image(logits, targets):
    logits, labels, known = prepare(logits[:1], targets[:1])
    return weighted_mean(1 - at_label(logits.softmax(dim=1), labels), known.float())


def detached(logits, targets):
    logits, labels, known = prepare(logits, targets)
    error = 1 - at_label(logits.softmax(dim=1), labels)
    return weighted_mean(error * error.detach(), known.float())


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (mean_error, "void pixels alone"),
        (counts_void, "void pixels alone"),
        (unbounded, "saturated wrong logits"),
        (backwards, "not below that of wrong ones"),
        (first_image, "depends on the order"),
    ],
)
def test_a_loss_that_breaks_the_contract_is_told_what(temporary_losses, function, expected):
    register_loss("broken", summary="broken")(function)
    with pytest.raises(AssertionError, match=expected):
        check_loss("broken")


def test_a_wrong_gradient_is_found(temporary_losses):
    register_loss("broken", summary="broken")(detached)
    with pytest.raises(AssertionError, match="wrong gradient"):
        check_loss("broken")


def test_an_option_needs_a_default_and_a_name_belongs_to_one_module(temporary_losses):
    def no_default(logits, targets, *, power: float):
        return logits.sum()

    with pytest.raises(ValueError, match="'power' has no default"):
        register_loss("broken")(no_default)
    with pytest.raises(ValueError, match="two components of the kind loss are called 'dice'"):
        register_loss("dice")(mean_error)
