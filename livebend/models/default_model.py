"""The model that is used when none is named."""

import torch

TURBO = "stabilityai/sd-turbo"


def model_or_default(name: str | None) -> str:
    """Return the name given, or SD-Turbo where there is a GPU for it, or the embedded model."""
    if name is not None:
        return name
    return TURBO if torch.cuda.is_available() else "tiny"
