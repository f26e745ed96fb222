from copy import deepcopy

import pytest
import torch

from areoseg.models import create_model
from areoseg.models.segmenter import Segmenter
from areoseg.training.soup import Ingredient, equal_weights, greedy_soup, mean_of


def segmenter(seed=0):
    torch.manual_seed(seed)
    network = create_model("unet", widths=[4, 8])
    return Segmenter(network, mean=0.5, std=0.2, classes=5, masked_classes=(0,)).eval()


def filled(value):
    """A network all of whose weights are one number."""
    made = segmenter()
    with torch.no_grad():
        for weight in made.parameters():
            weight.fill_(value)
    return made


def level(made):
    return float(next(made.parameters()).detach().mean())


def no_statistics(_):
    pass


def test_the_mean_is_that_of_weights_and_statistics():
    one, other = segmenter(0), segmenter(1)
    other.network.train()(torch.rand(4, 1, 16, 16))  # moves the running statistics
    mean = mean_of([one, other]).state_dict()
    for name, value in one.state_dict().items():
        if value.is_floating_point():
            assert torch.allclose(mean[name], (value + other.state_dict()[name]) / 2), name
    assert mean["offsets"][0] == one.offsets[0]


def test_a_soup_of_identical_networks_is_the_network():
    one = segmenter()
    ingredients = [Ingredient(name, deepcopy(one), 0.5) for name in "abc"]
    made = greedy_soup(ingredients, lambda _: pytest.fail("nothing to score"), no_statistics)
    assert equal_weights(made.segmenter, one)
    assert made.selected == ("a",)
    assert [each.soup_score for each in made.ingredients] == [0.5, None, None]


def test_the_best_comes_first_and_what_lowers_the_score_is_left_out():
    def score(made):  # best at 1
        return 1 - abs(level(made) - 1)

    ingredients = [Ingredient(f"{value}", filled(value), 0.0) for value in (0.0, 0.8, 1.6)]
    ingredients = [Ingredient(i.name, i.segmenter, score(i.segmenter)) for i in ingredients]
    made = greedy_soup(ingredients, score, no_statistics)
    # 0.8 alone gives 0.8; with 1.6 the mean is 1.2, which gives 0.8 too; with 0 as well it is 0.8.
    assert [each.name for each in made.ingredients] == ["0.8", "1.6", "0.0"]
    assert made.ingredients[0].soup_score == pytest.approx(0.8)
    assert made.ingredients[1].soup_score == pytest.approx(0.8, abs=1e-6)
    assert made.score == pytest.approx(score(made.segmenter))

    worse = [ingredients[1], Ingredient("far", filled(-3.0), score(filled(-3.0)))]
    alone = greedy_soup(worse, score, no_statistics)
    assert alone.selected == ("0.8",)
    assert alone.ingredients[1].soup_score == pytest.approx(1 - 2.1)
    assert equal_weights(alone.segmenter, ingredients[1].segmenter)


def test_statistics_are_measured_before_each_mean_is_scored():
    measured = []

    def score(made):
        assert measured
        assert measured[-1] is made
        return 0.9

    ingredients = [Ingredient(f"{seed}", segmenter(seed), 0.1 * seed) for seed in range(3)]
    made = greedy_soup(ingredients, score, measured.append)
    assert made.selected == ("2", "1", "0")
    assert len(measured) == 2
    expected = mean_of([ingredient.segmenter for ingredient in ingredients])
    for one, other in zip(made.segmenter.parameters(), expected.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)
