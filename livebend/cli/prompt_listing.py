"""`livebend prompts`: list what the model knows to paint."""

import argparse

from livebend.cli.printing import print_rows
from livebend.models.checkpoint import find_folder
from livebend.models.default_model import model_or_default
from livebend.models.vocabulary import load_vocabulary


def run(options: argparse.Namespace) -> int:
    """List the prompts and words of a model's vocabulary, where it has one."""
    model = model_or_default(options.model)
    known = load_vocabulary(find_folder(model))
    if known is None:
        rows = [{"kind": "prompts", "words": f"{model} understands any text"}]
    else:
        rows = [{"kind": "prompts", "words": ", ".join(known.prompts)}]
        rows += [{"kind": kind, "words": ", ".join(names)} for kind, names in known.kinds.items()]
    print_rows(rows, as_json=options.json)
    return 0
