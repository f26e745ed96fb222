import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from areoseg.models.segmenter import Segmenter
from areoseg.training.averaging import WeightAverage, estimate_batch_statistics


def segmenter():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    return Segmenter(network, mean=0.5, std=0.2, classes=4)


def wander(model, step):
    """Change the weights and the statistics somehow."""
    generator = torch.Generator().manual_seed(step)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator))
        model.train()(torch.rand(2, 1, 8, 8, generator=generator))


def weight(model):
    return model.network[0].weight.detach().clone()


def test_the_moving_average_follows_its_formula():
    model = segmenter()
    average = WeightAverage(model, ema=0.6)
    expected = None
    for step in range(20):
        wander(model, step)
        average.update_parameters(model)
        decay = min(0.6, (1 + step) / (10 + step))
        now = weight(model)
        expected = now if step == 0 else decay * expected + (1 - decay) * now
    torch.testing.assert_close(weight(average.module), expected)
    assert torch.equal(average.module.network[1].running_var, model.network[1].running_var)


def test_without_decay_the_average_is_the_newest_to_the_bit():
    model = segmenter()
    average = WeightAverage(model, ema=0.0)
    for step in range(3):
        wander(model, step)
        average.update_parameters(model)
    assert all(
        torch.equal(one, other)
        for one, other in zip(
            average.module.state_dict().values(), model.state_dict().values(), strict=True
        )
    )


def test_stochastic_weight_averaging_begins_anew_and_is_that_of_torch():
    model = segmenter()
    average, oracle = WeightAverage(model, ema=0.9), AveragedModel(model)
    for step in range(12):
        wander(model, step)
        if step == 5:
            average.begin_swa()
        average.update_parameters(model)
        if step >= 5:
            oracle.update_parameters(model)
    torch.testing.assert_close(weight(average.module), weight(oracle.module))


def test_statistics_are_those_of_the_averaged_weights():
    model = segmenter()
    swa = WeightAverage(model, ema=0.0)
    swa.begin_swa()
    for step in range(3):
        wander(model, step)
        swa.update_parameters(model)
    average = swa.module.eval()
    batches = [torch.rand(4, 1, 8, 8) for _ in range(3)]
    estimate_batch_statistics(average, iter(batches), seed=1)
    answers = average.network[0]((torch.cat(batches) - 0.5) / 0.2)
    normalization = average.network[1]
    torch.testing.assert_close(normalization.running_mean, answers.mean(dim=(0, 2, 3)))
    torch.testing.assert_close(
        normalization.running_var, answers.var(dim=(0, 2, 3)), rtol=0.02, atol=0
    )
    assert not average.training
    assert not torch.equal(normalization.running_mean, model.network[1].running_mean)


def test_without_batch_normalization_no_batch_is_drawn():
    def refuse():
        pytest.fail("a batch was drawn")
        yield torch.zeros(1)

    plain = nn.Conv2d(1, 2, 3)
    before = plain.weight.detach().clone()
    estimate_batch_statistics(plain, refuse(), seed=0)
    assert torch.equal(plain.weight, before)
