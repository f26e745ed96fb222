import pytest
import torch
from torch.nn import functional

from areoseg.losses.combined import build_loss
from areoseg.taxonomy import VOID
from areoseg.training.step import draw_mixture, mix_batch, mixed_loss

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.rand(6, 1, 8, 10, generator=GENERATOR)
TARGETS = torch.randint(0, 4, (6, 8, 10), generator=GENERATOR)
LOGITS = torch.randn(6, 4, 8, 10, generator=GENERATOR)
PARTNER = torch.tensor([3, 0, 2, 5, 1, 4])


def loss_of(terms, **options):
    return build_loss(terms, class_weights=None, classes=4, background=0, **options)


def test_images_are_mixed_and_both_targets_kept():
    mixed, targets = mix_batch(IMAGES, TARGETS, 0.7, PARTNER)
    torch.testing.assert_close(mixed[0], 0.7 * IMAGES[0] + 0.3 * IMAGES[3])
    torch.testing.assert_close(mixed[2], IMAGES[2])
    assert torch.equal(targets[0, 0], TARGETS[0])
    assert torch.equal(targets[0, 1], TARGETS[3])


def test_cross_entropy_is_that_of_mixed_targets():
    _, targets = mix_batch(IMAGES, TARGETS, 0.7, PARTNER)
    total, terms = mixed_loss(loss_of({"ce": 1.0}), 0.7)(LOGITS, targets, 1.0)
    one_hot = functional.one_hot(targets, 4).float()
    soft = (0.7 * one_hot[:, 0] + 0.3 * one_hot[:, 1]).permute(0, 3, 1, 2)
    torch.testing.assert_close(total, functional.cross_entropy(LOGITS, soft))
    torch.testing.assert_close(terms["ce"], total)


@pytest.mark.parametrize(("share", "order"), [(1.0, torch.arange(6)), (0.0, PARTNER)])
def test_at_either_end_nothing_is_mixed(share, order):
    loss = loss_of({"ce": 1.0, "dice": 0.5})
    mixed, targets = mix_batch(IMAGES, TARGETS, share, PARTNER)
    assert torch.equal(mixed, IMAGES[order])
    total, terms = mixed_loss(loss, share)(LOGITS, targets, 1.0)
    plain, plain_terms = loss(LOGITS, TARGETS[order], 1.0)
    torch.testing.assert_close(total, plain)
    assert terms.keys() == plain_terms.keys()
    for name, value in terms.items():
        torch.testing.assert_close(value, plain_terms[name])


def test_void_in_one_sample_leaves_the_loss_of_the_other():
    targets = torch.stack((TARGETS, torch.full_like(TARGETS, VOID)), dim=1)
    total, _ = mixed_loss(loss_of({"ce": 1.0}), 0.6)(LOGITS, targets, 1.0)
    torch.testing.assert_close(total, 0.6 * functional.cross_entropy(LOGITS, TARGETS))


def test_auxiliary_logits_are_scored_too():
    loss = loss_of({"ce": 1.0}, auxiliary_weights=(0.5,))
    answer = (LOGITS, LOGITS[..., ::2, ::2])
    _, targets = mix_batch(IMAGES, TARGETS, 0.5, PARTNER)
    total, _ = mixed_loss(loss, 0.5)(answer, targets, 1.0)
    ends = [loss(answer, TARGETS[order], 1.0)[0] for order in (torch.arange(6), PARTNER)]
    torch.testing.assert_close(total, sum(ends) / 2)


def test_shares_have_the_beta_distribution_and_pairs_are_a_permutation():
    torch.manual_seed(0)
    shares = torch.tensor([draw_mixture(4, 0.4)[0] for _ in range(2000)])
    assert shares.mean().item() == pytest.approx(0.5, abs=0.03)
    assert shares.var().item() == pytest.approx(1 / (4 * (2 * 0.4 + 1)), rel=0.1)
    assert sorted(draw_mixture(7, 0.4)[1].tolist()) == list(range(7))


def test_a_tiny_alpha_leaves_one_sample_alone():
    torch.manual_seed(0)
    shares = torch.tensor([draw_mixture(1, 1e-3)[0] for _ in range(200)])
    assert ((shares < 0.01) | (shares > 0.99)).float().mean() > 0.95
    assert shares.isfinite().all()


def test_draws_follow_the_seed_of_the_step():
    def draw():
        torch.manual_seed(5)
        return draw_mixture(9, 0.2)

    (share, partner), (same_share, same_partner) = draw(), draw()
    assert share == same_share
    assert torch.equal(partner, same_partner)
