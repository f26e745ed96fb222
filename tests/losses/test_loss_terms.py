import pytest
from pydantic import BaseModel, ValidationError

from areoseg.errors import AreosegError
from areoseg.losses import LOSS_PRESETS, LOSSES, LossTerms, build_loss, parse_loss
from areoseg.losses.backpropagators import BACKPROPAGATORS


def test_a_bare_number_is_the_weight():
    terms = parse_loss({"ce": 1, "dice": 0.5, "focal": {"weight": 2, "gamma": 0.5}}).terms
    assert list(terms) == ["ce", "dice", "focal"]
    assert [term.weight for term in terms.values()] == [1, 0.5, 2]
    assert terms["focal"].options == {"class_weighted": True, "gamma": 0.5, "alpha": None}


def test_a_bare_name_is_a_term_alone_or_a_preset():
    assert parse_loss("dice") == parse_loss({"dice": 1.0})
    assert parse_loss("backpropagators") == parse_loss(BACKPROPAGATORS)
    assert parse_loss("backpropagators-code") == parse_loss({"backpropagators-code": 1.0})
    assert list(LOSS_PRESETS) == ["backpropagators"]


def test_every_term_can_be_asked_for_by_name():
    names = "ce dice focal boundary background lovasz tversky focal-tversky jaccard ohem edge-ce"
    assert set(LOSSES) >= {*names.split(), "backpropagators-code"}
    assert list(parse_loss(dict.fromkeys(LOSSES, 1.0)).terms) == list(LOSSES)


def test_the_weight_follows_the_ramp():
    terms = {"boundary": {"weight": 0.1, "ramp": [0, 2]}, "ce": 3}
    term, other = build_loss(terms, class_weights=None, classes=5, background=0).terms
    assert [term.weight_at(t) for t in (0.0, 0.5, 1.0)] == pytest.approx([0, 0.1, 0.2])
    assert other.weight_at(0.3) == 3


def test_terms_written_out_read_back_the_same():
    terms = parse_loss({"ce": 1, "focal-tversky": {"gamma": 0.5, "ramp": [0, 1]}})
    written = terms.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert parse_loss(written) == terms
    assert parse_loss(terms) == terms


def test_the_preset_is_valid():
    assert list(parse_loss(BACKPROPAGATORS).terms) == list(BACKPROPAGATORS)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"focl": 1}, "there is no loss 'focl': did you mean 'focal'"),
        ({"qqq": 1}, "there is no loss 'qqq': choose from .*ce, focal"),
        ({"focal_tversky": 1}, "did you mean 'focal-tversky'"),
        ({"focal": {"gama": 1}}, "focal.gama: no such value: did you mean 'gamma'"),
        ({"background": {"qqq": 1}}, "choose from weight, ramp"),
        ({"ce": -1}, "ce.weight: .* greater than or equal to 0"),
        ({"ce": {"weight": "much"}}, "ce.weight: .* valid number"),
        ({"ce": "much"}, "ce: give a weight"),
        ({"ce": True}, "ce: give a weight"),
        ({"ce": float("inf")}, "ce.weight: .* finite"),
        ({"ce": {"label_smoothing": 1}}, "ce.label_smoothing"),
        ({"focal": {"gamma": -1}}, "focal.gamma"),
        ({"boundary": {"kind": "sobel"}}, "boundary.kind: .* 'distance' or 'edges'"),
        ({"tversky": {"delta": 0}}, "tversky.delta"),
        ({"ohem": {"min_kept": 0}}, "ohem.min_kept"),
        ({"edge-ce": {"sigma": 0}}, "edge-ce.sigma"),
        ({"dice": {"ramp": [-1, 1]}}, "dice.ramp.0"),
        ({"dice": {"ramp": [1]}}, "dice.ramp.1"),
        ({}, "no term has a weight above 0"),
        ({"ce": 0, "dice": {"weight": 1, "ramp": [0, 0]}}, "no term has a weight above 0"),
        ("backpropagator", "no loss 'backpropagator': did you mean 'backpropagators'"),
        (["ce"], "write a table of terms, such as"),
        ({"focal": {"alpha": [-1, 1]}}, "focal.alpha.0"),
    ],
)
def test_a_faulty_table_is_refused_with_its_place(terms, message):
    with pytest.raises(AreosegError, match=message):
        parse_loss(terms)


def test_all_errors_come_at_once_on_one_line():
    with pytest.raises(AreosegError) as caught:
        parse_loss({"focl": 1, "ce": -1, "dice": {"generalised": True}})
    message = str(caught.value)
    assert message.count("; ") == 2
    assert "\n" not in message
    for part in ("'focal'", "ce.weight", "'generalized'"):
        assert part in message


def test_as_a_field_of_a_recipe_the_errors_are_located_too():
    class Recipe(BaseModel):
        loss: LossTerms

    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate({"loss": {"focal": {"gama": 1}, "ce": -1}})
    places = [detail["loc"] for detail in caught.value.errors()]
    assert set(places) == {("loss", "ce", "weight"), ("loss", "focal", "gama")}
