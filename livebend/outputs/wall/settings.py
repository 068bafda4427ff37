"""What a performer sets of the wall: fields of the display's `View`, each with its address."""

from dataclasses import dataclass, fields
from typing import Annotated, Literal

from livebend.core.ranges import Range

Fit = Literal["fit", "fill", "stretch", "mirror", "kaleidoscope"]
Flip = Literal["none", "horizontal", "vertical", "both"]
OfWall = Annotated[float, Range(-1, 1, "of the wall", soft=(-0.5, 0.5))]
Corner = Range(-1, 1, "of the wall", soft=(-0.25, 0.25))


@dataclass(frozen=True)
class Shape:
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
    top_left_x: Annotated[float, Corner, "corner moved to the right"] = 0.0
    top_left_y: Annotated[float, Corner, "corner moved down"] = 0.0
    top_right_x: Annotated[float, Corner, "corner moved to the right"] = 0.0
    top_right_y: Annotated[float, Corner, "corner moved down"] = 0.0
    bottom_right_x: Annotated[float, Corner, "corner moved to the right"] = 0.0
    bottom_right_y: Annotated[float, Corner, "corner moved down"] = 0.0
    bottom_left_x: Annotated[float, Corner, "corner moved to the right"] = 0.0
    bottom_left_y: Annotated[float, Corner, "corner moved down"] = 0.0

    @property
    def shape(self) -> "Shape":
        """This and nothing else, of a view that has more."""
        return Shape(**{field.name: getattr(self, field.name) for field in fields(Shape)})

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """How far each corner is moved (right, down), clockwise from the upper left one, as parts
        of the wall's width and height."""
        return (
            (self.top_left_x, self.top_left_y),
            (self.top_right_x, self.top_right_y),
            (self.bottom_right_x, self.bottom_right_y),
            (self.bottom_left_x, self.bottom_left_y),
        )
