"""Figures are drawn without a screen, and no test finds those that another left open."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def closed():
    plt.close("all")  # what others of this process left open
    yield
    plt.close("all")
