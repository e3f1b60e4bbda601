"""Letters that the house's font does not have: another font that is there, else boxes and one warning that names the
remedy.
"""

import warnings

import pytest

from engine.plots import exceedance, fonts
from tests.plots.test_plots import make_cube

CHINESE = "银行资本缺口"
HAS_CJK = bool(set(fonts.families()) & set(fonts.EASTERN))


def labelled():
    cube = make_cube(2)
    cube["paths"]["loss"].attrs["long_name"] = CHINESE
    cube["paths"]["policy"].attrs["labels"] = ["旧政策", "改革"]
    return cube


def test_where_no_font_has_the_letters_boxes_stand_for_them_and_one_warning_names_the_font(monkeypatch):
    monkeypatch.setattr(fonts, "families", lambda: (fonts.HOUSE,))
    for cached in (fonts.drawable, fonts._warn):
        cached.cache_clear()
    with pytest.warns(UserWarning, match="Noto Sans CJK") as warned:
        made = exceedance(labelled(), "loss").figure
        made.canvas.draw()
    assert len(warned) == 1
    assert made.texts[0].get_text().startswith(fonts.BOX * len(CHINESE))
    assert made.legends[0].get_texts()[1].get_text().startswith(fonts.BOX * 2 + ":")
    for cached in (fonts.drawable, fonts._warn):
        cached.cache_clear()


@pytest.mark.skipif(not HAS_CJK, reason="no font with Chinese letters")
def test_where_a_font_has_them_they_are_drawn(tmp_path):
    from engine.plots import save

    fonts.drawable.cache_clear()
    made = exceedance(labelled(), "loss").figure
    assert made.texts[0].get_text().startswith(CHINESE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in ("png", "svg", "pdf"):
            save(made, tmp_path / f"x.{kind}")


def test_plain_text_is_left_as_it_is():
    assert fonts.drawable("− 95 % … é α “x”") == "− 95 % … é α “x”"
