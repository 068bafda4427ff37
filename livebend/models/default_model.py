"""The model that is used when none is named."""

import torch

from livebend.core.errors import ModelError
from livebend.core.notify import Notify, ignore
from livebend.models.checkpoint import Wanted, find_model

TURBO = "stabilityai/sd-turbo"


def model_or_default(name: str | None, notify: Notify = ignore) -> str:
    """Return the name given, or SD-Turbo where there is a GPU for it, or the embedded model.

    notify: is told why SD-Turbo is not played where it cannot be fetched.
    """
    if name is not None:
        return name
    if not torch.cuda.is_available():
        return "tiny"
    try:
        find_model(Wanted(TURBO), notify)
    except ModelError as why:
        notify(f"{why}; playing tiny, the embedded model")
        return "tiny"
    return TURBO
