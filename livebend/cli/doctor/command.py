"""`livebend doctor`: what this machine has, what is missing, and what to do about it."""

import argparse

from livebend.cli.doctor.devices import cameras, codecs, display, midi, osc_port, sound, streams
from livebend.cli.doctor.findings import Finding, as_json, as_text, healthy
from livebend.cli.doctor.material import other_models, presets, tiny_model, turbo_model
from livebend.cli.doctor.software import openvino, packages, python, torch


def run(options: argparse.Namespace) -> int:
    """Print what is here; the exit status is 1 if something essential is missing."""
    findings = examine()
    print(as_json(findings) if options.json else as_text(findings))
    return 0 if healthy(findings) else 1


def examine() -> list[Finding]:
    """Examine everything, in the order in which a show needs it."""
    first = [python(), packages(), *torch(), openvino(), sound(), midi(), cameras(), display()]
    models = [tiny_model(), turbo_model(), *other_models()]
    return [*first, codecs(), streams(), *models, presets(), osc_port()]
