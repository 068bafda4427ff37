"""What a performer sets of the wall: fields of the display's `View`, each with its address."""

from dataclasses import dataclass, fields
from typing import Annotated, Literal

from livebend.core.ranges import Range, Seconds, Unit
from livebend.core.specs import Several

Fit = Literal["fit", "fill", "stretch", "mirror", "kaleidoscope"]
Filter = Literal["linear", "nearest", "lanczos", "crisp"]
Flip = Literal["none", "horizontal", "vertical", "both"]
OfWall = Annotated[float, Range(-1, 1, "of the wall", soft=(-0.5, 0.5))]
CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")
Corner = Range(-1, 1, "of the side", soft=(-0.25, 0.25))
Gamma = Annotated[float, Range(0.2, 5, curve="log", soft=(0.5, 2))]
BlackLevel = Annotated[float, Range(-0.5, 0.5, soft=(-0.2, 0.2))]


@dataclass(frozen=True)
class Pinned:
    """Four corners, moved in parts of the width and height of what they are of."""

    top_left_x: Annotated[float, Corner, "upper left corner moved to the right"] = 0.0
    top_left_y: Annotated[float, Corner, "upper left corner moved down"] = 0.0
    top_right_x: Annotated[float, Corner, "upper right corner moved to the right"] = 0.0
    top_right_y: Annotated[float, Corner, "upper right corner moved down"] = 0.0
    bottom_right_x: Annotated[float, Corner, "lower right corner moved to the right"] = 0.0
    bottom_right_y: Annotated[float, Corner, "lower right corner moved down"] = 0.0
    bottom_left_x: Annotated[float, Corner, "lower left corner moved to the right"] = 0.0
    bottom_left_y: Annotated[float, Corner, "lower left corner moved down"] = 0.0

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """How far each corner is moved (right, down), clockwise from the upper left one, as parts
        of the width and height."""
        x, y = ([getattr(self, f"{name}_{axis}") for name in CORNERS] for axis in "xy")
        return tuple(zip(x, y, strict=True))


@dataclass(frozen=True)
class Shape(Pinned):
    """Where the picture is on the wall; the neutral one shows all of it, with bars."""

    fit: Annotated[
        Fit,
        "all of the picture, with bars; filled, with its edges cut; stretched; repeated, mirrored"
        " at each edge; or through a kaleidoscope",
    ] = "fit"
    mirrors: Annotated[int, Range(2, 16, whole=True), "mirrors of the kaleidoscope"] = 6
    rotate: Annotated[
        int, Range(0, 270, "deg", whole=True), "turned clockwise, by the nearest quarter turn"
    ] = 0
    flip: Annotated[Flip, "left and right, or up and down exchanged"] = "none"
    zoom: Annotated[float, Range(0.1, 10, curve="log", soft=(0.5, 2)), "enlargement"] = 1.0
    x: Annotated[OfWall, "moved to the right"] = 0.0
    y: Annotated[OfWall, "moved down"] = 0.0
    pin: Annotated[bool, "corners are seen, and dragged with the mouse"] = False
    pin_each: Annotated[bool, "these are each display's own corners, not those of the wall"] = False

    @property
    def shape(self) -> "Shape":
        """This and nothing else, of a view that has more."""
        return Shape(**{field.name: getattr(self, field.name) for field in fields(Shape)})


@dataclass(frozen=True)
class Span(Shape):
    """Which displays are the wall."""

    also: Annotated[
        str,
        Several(",", 16, "displays", 200),
        "further displays that the picture is on, by name or number, with commas; all",
    ] = ""
    span: Annotated[bool, "displays show parts of one picture; off = each all of it"] = False
    gap: Annotated[
        float, Range(0, 1, "of a display", soft=(0, 0.2)), "between displays that span a picture"
    ] = 0.0
    overlap: Annotated[
        float,
        Range(0, 0.5, "of a display", soft=(0, 0.3)),
        "of projectors that span a picture, which fade into each other there",
    ] = 0.0
    overlap_gamma: Annotated[
        float, Range(1, 4), "of the projectors, so that their light adds up where they overlap"
    ] = 2.2


@dataclass(frozen=True)
class Look(Span):
    """What the picture's pixels become; the neutral ones are left as they are."""

    gamma: Annotated[Gamma, "above 1 the middle tones are brighter"] = 1.0
    black_level: Annotated[BlackLevel, "light of what is black; below 0 it is crushed"] = 0.0
    filter: Annotated[
        Filter,
        "how the picture is enlarged: softly, in squares, sharply, or sharply with its edges kept",
    ] = "linear"
    grain: Annotated[Unit, "film grain"] = 0.0
    bloom: Annotated[float, Range(0, 2, soft=(0, 1)), "glow around what is bright"] = 0.0


@dataclass(frozen=True)
class Over(Look):
    """What lies over the picture."""

    title: Annotated[
        str, Several("|", 4, "lines", 200), "text over the picture; | begins another line"
    ] = ""
    preset_title: Annotated[bool, "the preset's title, where no other is set"] = False
    title_size: Annotated[
        float, Range(0.01, 0.5, "of the wall's height", curve="log"), "height of a line"
    ] = 0.08
    title_x: Annotated[OfWall, "title moved to the right of the middle"] = 0.0
    title_y: Annotated[OfWall, "title moved below the middle"] = 0.35
    title_time: Annotated[Seconds, "for which a new title is seen; 0 = until another"] = 0.0
    logo: Annotated[bool, "show the logo that --logo gave"] = False
    logo_size: Annotated[
        float, Range(0.01, 1, "of the wall's height", curve="log"), "height of the logo"
    ] = 0.15
    logo_x: Annotated[OfWall, "logo moved to the right of the middle"] = 0.38
    logo_y: Annotated[OfWall, "logo moved below the middle"] = -0.38
    logo_opacity: Annotated[Unit, "how much of the logo is seen"] = 1.0
    test_card: Annotated[
        bool, "grid, circles, colours, and each display's name, instead of the picture"
    ] = False
