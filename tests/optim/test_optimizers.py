import io
import math

import numpy as np
import pytest
import torch
from torch import nn

from areoseg.errors import AreosegError
from areoseg.optim.optimizers import OPTIMIZERS, OptimizerOptions, build_optimizer, decay_groups

STEPS = 14  # more than two rounds of Lookahead, and past RAdam's first, unrectified steps
LR = 0.01


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 2))


def gradients(model, step):
    generator = torch.Generator().manual_seed(step)
    return [torch.randn(p.shape, generator=generator) for p in model.parameters()]


def trained(model, optimizer, steps):
    for step in steps:
        for parameter, gradient in zip(model.parameters(), gradients(model, step), strict=True):
            parameter.grad = gradient
        optimizer.step()
    return [p.detach().double().numpy() for p in model.parameters()]


def sgd(p, grads, *, decay, momentum, nesterov):
    v = 0.0
    for g in grads:
        g = g + decay * p
        v = momentum * v + g
        p = p - LR * (g + momentum * v if nesterov else v)
    return p


def adam(p, grads, *, decay, betas, eps, decoupled=False):
    m = v = 0.0
    for t, g in enumerate(grads, start=1):
        if not decoupled:
            g = g + decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
        p = p - LR * (m_hat / (np.sqrt(v_hat) + eps) + decoupled * decay * p)
    return p


def lion(p, grads, *, decay, betas):
    m = 0.0
    for g in grads:
        c = betas[0] * m + (1 - betas[0]) * g
        p = p - LR * (np.sign(c) + decay * p)
        m = betas[1] * m + (1 - betas[1]) * g
    return p


def ranger(p, grads, *, decay, betas, eps, alpha, k):
    slow, m, v = p, 0.0, 0.0
    b1, b2 = betas
    rho_inf = 2 / (1 - b2) - 1
    for t, g in enumerate(grads, start=1):
        if g.ndim > 1:  # gradient centralization
            g = g - g.mean(axis=tuple(range(1, g.ndim)), keepdims=True)
        p = p - LR * decay * p
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        rho = rho_inf - 2 * t * b2**t / (1 - b2**t)
        if rho > 5:  # RAdam
            rectified = math.sqrt(
                (1 - b2**t)
                * ((rho - 4) * (rho - 2) * rho_inf)
                / ((rho_inf - 4) * (rho_inf - 2) * rho)
            )
            p = p - LR * rectified / (1 - b1**t) * m / (np.sqrt(v) + eps)
        else:
            p = p - LR / (1 - b1**t) * m
        if t % k == 0:  # Lookahead
            slow = slow + alpha * (p - slow)
            p = slow
    return p


def adamw(p, grads, **options):
    return adam(p, grads, decoupled=True, **options)


def muon(p, grads, *, momentum, **options):
    return adamw(p, grads, **options)  # every weight of the network is small


FORMULAS = {
    "sgd": sgd, "adam": adam, "adamw": adamw, "lion": lion, "ranger": ranger, "muon": muon,
}  # fmt: skip


@pytest.mark.parametrize("decay_all", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_steps_by_its_formula_and_vectors_decay_only_if_asked(name, decay_all):
    model = network()
    starts = [p.detach().double().numpy() for p in model.parameters()]
    grads = [[g.double().numpy() for g in gradients(model, t)] for t in range(STEPS)]
    optimizer = build_optimizer(name, model, lr=LR, weight_decay=0.3, decay_all=decay_all)
    got = trained(model, optimizer, range(STEPS))
    own = {
        key: value
        for key, value in OPTIMIZERS[name].defaults.items()
        if key not in OptimizerOptions.model_fields
    }
    for index, start in enumerate(starts):
        decay = 0.3 if start.ndim > 1 or decay_all else 0.0
        expected = FORMULAS[name](start, [g[index] for g in grads], decay=decay, **own)
        np.testing.assert_allclose(got[index], expected, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_of_an_optimizer_survives_a_file_that_holds_only_plain_values(name):
    whole = network()
    expected = trained(whole, build_optimizer(name, whole), range(STEPS))

    first = network()
    optimizer = build_optimizer(name, first)
    trained(first, optimizer, range(8))
    file = io.BytesIO()
    torch.save({"model": first.state_dict(), "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    content = torch.load(file, weights_only=True)
    second = network()
    second.load_state_dict(content["model"])
    optimizer = build_optimizer(name, second)
    optimizer.load_state_dict(content["optimizer"])
    for one, other in zip(expected, trained(second, optimizer, range(8, STEPS)), strict=True):
        assert np.array_equal(one, other)


def test_muon_orthogonalizes_filters_as_torch_has_it():
    torch.manual_seed(0)
    convolution = torch.nn.Conv2d(24, 32, 3)
    matrix = torch.nn.Parameter(convolution.weight.detach().flatten(1).clone())
    ours = build_optimizer("muon", convolution, lr=LR, weight_decay=0.3)
    theirs = torch.optim.Muon(
        [matrix], lr=LR, weight_decay=0.3, momentum=0.95, adjust_lr_fn="match_rms_adamw"
    )
    before = matrix.detach().clone()
    for step in range(3):
        gradient = torch.randn(32, 216, generator=torch.Generator().manual_seed(step))
        convolution.weight.grad, matrix.grad = gradient.view(32, 24, 3, 3), gradient.clone()
        convolution.bias.grad = torch.ones(32)
        ours.step()
        theirs.step()
    moved = (matrix - before).detach()
    difference = convolution.weight.detach().flatten(1) - before - moved
    assert difference.norm() < 0.02 * moved.norm()  # both orthogonalize in bfloat16


def test_muon_leaves_stems_heads_and_depthwise_filters_to_adamw():
    shapes = {
        "stem": torch.nn.Conv2d(1, 32, 3),
        "head": torch.nn.Conv2d(32, 5, 1),
        "depthwise": torch.nn.Conv2d(32, 32, 7, groups=32),
        "hidden": torch.nn.Conv2d(16, 16, 1),
    }
    optimizer = build_optimizer("muon", torch.nn.ModuleDict(shapes))
    orthogonalized = [p for g in optimizer.param_groups if g["use_muon"] for p in g["params"]]
    assert len(orthogonalized) == 1
    assert orthogonalized[0] is shapes["hidden"].weight


def test_sgd_without_momentum_needs_no_word_about_nesterov():
    model = network()
    start = model[0].weight.detach().clone()
    trained(model, build_optimizer("sgd", model, lr=LR, weight_decay=0.0, momentum=0.0), [0])
    torch.testing.assert_close(model[0].weight.detach(), start - LR * gradients(model, 0)[0])


def test_what_is_not_trained_is_in_no_group():
    model = network()
    model[0].weight.requires_grad_(False)
    grouped = [p for group in decay_groups(model, 0.1) for p in group["params"]]
    assert len(grouped) == len(list(model.parameters())) - 1
    assert all(p.requires_grad for p in grouped)


def test_adamw_is_as_torch_has_it_and_lion_balances_rate_and_decay():
    adamw, lion = OPTIMIZERS["adamw"].defaults, OPTIMIZERS["lion"].defaults
    own = {"lr": 2e-3, "weight_decay": 1e-2, "betas": (0.9, 0.999), "eps": 1e-8}
    assert {name: adamw[name] for name in own} == own
    general = {"decay_all": False, "l2": 0.0, "clip": 1.0, "accumulate": 1}
    assert adamw == {**own, **general}
    assert lion["lr"] * lion["weight_decay"] == pytest.approx(adamw["lr"] * adamw["weight_decay"])


@pytest.mark.parametrize("record", OPTIMIZERS.values(), ids=lambda record: record.name)
def test_every_optimizer_says_what_it_is_and_where_it_comes_from(record):
    assert record.summary
    assert record.paper


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [("adan", {}, "did you mean 'adam'"), ("lion", {"momentum": 0.9}, "no option 'momentum'")],
)
def test_an_optimizer_or_option_that_there_is_not_is_refused(name, options, expected):
    with pytest.raises(AreosegError, match=expected):
        build_optimizer(name, network(), **options)
