"""The grammar of places: a site, with a step or a depth."""

import pytest

from livebend.core import sites
from livebend.core.errors import Refused
from livebend.core.sites import Place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("unet.mid", Place("unet.mid")),
        ("unet.mid#1", Place("unet.mid", step=1)),
        ("latent@0.8", Place("latent", depth=0.8)),
    ],
)
def test_a_place_is_a_site_with_a_step_or_a_depth(text, place):
    assert sites.place(text) == place


@pytest.mark.parametrize(
    "text", ["latent@1.5", "latent@", "unet.mid@0.5", "unet.mid#x", "latent@nan"]
)
def test_what_is_no_place_is_refused_in_a_line(text):
    with pytest.raises(Refused, match="expected") as raised:
        sites.place(text)
    assert "\n" not in str(raised.value)
