import pytest
import torch
from torch import nn

from areoseg.losses.combined import build_loss
from areoseg.training.step import training_step

IMAGES = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
TARGETS = torch.randint(0, 3, (6, 8, 8), generator=torch.Generator().manual_seed(1))


def changed(**options):
    """A plain network after one step of gradient descent, and the terms of the loss."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1))
    loss = build_loss({"ce": 1.0}, class_weights=None, classes=3, background=0)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    before = torch.cat([p.detach().flatten() for p in network.parameters()])
    terms = training_step(
        network, loss, optimizer, IMAGES, TARGETS, progress=0.0, lr=0.5, **options
    )
    after = torch.cat([p.detach().flatten() for p in network.parameters()])
    return after - before, terms


@pytest.mark.parametrize("steps", [2, 3, 4, 6])
def test_accumulated_gradients_are_those_of_the_whole_batch(steps):
    whole, terms = changed(l2=0.01)
    pieces, same_terms = changed(l2=0.01, accumulate=steps)
    torch.testing.assert_close(pieces, whole, rtol=1e-4, atol=1e-6)
    assert terms.keys() == same_terms.keys() == {"ce", "l2", "total"}
    for name, value in terms.items():
        torch.testing.assert_close(same_terms[name], value)
        assert not value.requires_grad


def test_the_gradient_is_clipped_to_its_norm():
    free, _ = changed()
    clipped, _ = changed(clip=0.01)
    assert free.norm() > 0.006
    assert clipped.norm().item() == pytest.approx(0.5 * 0.01, rel=1e-3)


def test_l2_pulls_weights_towards_zero_and_leaves_biases():
    plain, _ = changed()
    pulled, terms = changed(l2=0.01)
    difference = (pulled - plain)[36:40]  # the biases of the first convolution
    torch.testing.assert_close(difference, torch.zeros(4), atol=1e-7, rtol=0)
    assert terms["total"] == pytest.approx(float(terms["ce"] + terms["l2"]))
    assert not torch.allclose(pulled[:36], plain[:36])
