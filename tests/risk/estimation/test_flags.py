"""Flags: a sentence for every reason, and the array that the cube holds of them."""

import numpy as np
import pytest

from engine.risk.estimation.flags import Flag, Reason, as_array, of_array, text


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence_and_comes_back_from_its_array(reason):
    flag = Flag(reason, 12.5, 50.0)
    assert text(flag) and "{" not in text(flag)
    assert of_array(as_array([flag])) == (flag,)


def test_flags_are_named_once_and_come_back_together():
    few, lost = Flag(Reason.FEW_EXCEEDANCES, 12.2, 50), Flag(Reason.NOT_FINITE, 3, 9)
    alike = Flag(Reason.FEW_EXCEEDANCES, 11.9, 50)
    assert text(lost, few, alike) == "3 of 9 paths not finite; 12 exceedances, 50 needed"
    assert of_array(as_array([few, lost])) == (lost, few)
    assert text() == "" and of_array(as_array([])) == ()
    assert np.isnan(as_array([])).all()
