"""Presses of keys, as SDL reports them, and what they mean by the table of keys."""

import pygame

from livebend.outputs.key_table import Action, action

FIRST_DIGIT, LAST_DIGIT = pygame.KSCAN_1, pygame.KSCAN_9


def pressed(event: pygame.Event) -> Action | None:
    """Return the action of a key press. Digits are known by their position: layouts differ."""
    digit = FIRST_DIGIT <= event.scancode <= LAST_DIGIT
    name = str(event.scancode - FIRST_DIGIT + 1) if digit else pygame.key.name(event.key)
    held = event.mod
    return action(
        name,
        shift=bool(held & pygame.KMOD_SHIFT),
        ctrl=bool(held & pygame.KMOD_CTRL),
        meta=bool(held & pygame.KMOD_META),
    )
