"""`livebend prompts`: list what the model knows to paint."""

import argparse

from livebend.cli.options import wanted_of
from livebend.cli.printing import print_notice, print_rows
from livebend.models.checkpoint import find_model
from livebend.models.vocabulary import load_vocabulary


def run(options: argparse.Namespace) -> int:
    """List the prompts and words of a model's vocabulary, where it has one."""
    model = wanted_of(options)
    places = find_model(model, print_notice)
    known = load_vocabulary(places[0]) if places else None
    if known is None:
        rows = [{"kind": "prompts", "words": f"{model.name} understands any text"}]
    else:
        rows = [{"kind": "prompts", "words": ", ".join(known.prompts)}]
        rows += [{"kind": kind, "words": ", ".join(names)} for kind, names in known.kinds.items()]
    print_rows(rows, as_json=options.json)
    return 0
