"""A part of the picture, for a projector that shows one beside others."""

from dataclasses import replace

from livebend.flow import Frame, Output, Pixels
from livebend.outputs.display import Display, View


class PartOutput:
    """Gives an output the part of every frame that the display's view has it show."""

    def __init__(self, output: Output, display: Display) -> None:
        self._output, self._display = output, display

    def write(self, frame: Frame) -> None:
        """Give the output a frame's part."""
        pixels = part_of(frame.pixels, self._display.view)
        self._output.write(frame if pixels is frame.pixels else replace(frame, pixels=pixels))

    def close(self) -> None:
        """Close the output."""
        self._output.close()


def part_of(pixels: Pixels, view: View) -> Pixels:
    """Return the part [H, w, 3] of a picture [H, W, 3] that a view shows, read-only: of `parts`
    from the left to the right the one of the number `part`. All of them beside one another are the
    picture."""
    if view.part == 0 or view.parts == 1:
        return pixels
    number, width = min(view.part, view.parts), pixels.shape[1]
    begin, end = (round(width * edge / view.parts) for edge in (number - 1, number))
    part = pixels[:, begin:end].copy()
    part.setflags(write=False)
    return part
