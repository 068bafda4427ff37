"""Muon: what it makes of a gradient, and that working on a stack changes nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from tiny.muon import Muon, as_matrix, matrices, orthogonal
from torch import nn

from tests import SCRIPTS


def spread(count: int, rows: int, columns: int, lowest: float) -> torch.Tensor:
    """Matrices (count, rows, columns) of singular values from `lowest` to 1."""
    u, _, v = torch.linalg.svd(torch.randn(count, rows, columns), full_matrices=False)
    return u @ torch.diag_embed(torch.linspace(lowest, 1, rows).expand(count, -1)) @ v


def polar(matrices: torch.Tensor) -> torch.Tensor:
    """The nearest orthogonal matrices: U Vᵀ of the singular value decomposition."""
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    return u @ v


@pytest.mark.parametrize(("steps", "lowest"), [(3, 0.3), (5, 0.02)])
def test_newton_and_schulz_find_the_polar_factor(steps, lowest):
    torch.manual_seed(0)
    x = spread(2, 24, 60, lowest)
    made, wanted = orthogonal(x, steps), polar(x)
    values = torch.linalg.svdvals(made)
    assert values.min() > 0.6
    assert values.max() < 1.3
    likeness = (made * wanted).sum((1, 2)) / made.norm(dim=(1, 2)) / wanted.norm(dim=(1, 2))
    assert likeness.min() > 0.97


def test_a_stack_is_worked_on_as_one_by_one():
    x = torch.randn(5, 16, 40, generator=torch.Generator().manual_seed(1))
    one_by_one = torch.cat([orthogonal(matrix[None]) for matrix in x])
    assert torch.allclose(orthogonal(x), one_by_one, atol=1e-5)
    assert torch.equal(orthogonal(torch.zeros(1, 4, 4)), torch.zeros(1, 4, 4))


def taught(optimiser: torch.optim.Optimizer, weights: list[nn.Parameter], steps: int = 3) -> None:
    """Take some steps along gradients that are the same for everyone."""
    made = torch.Generator().manual_seed(5)
    for _ in range(steps):
        for weight in weights:
            weight.grad = torch.randn(weight.shape, generator=made)
        optimiser.step()


def test_linear_layers_move_as_by_torchs_own_muon():
    torch.manual_seed(2)
    shapes = [(16, 40), (40, 16), (16, 40), (24, 24)]
    mine = [nn.Parameter(torch.randn(shape)) for shape in shapes]
    torchs = [nn.Parameter(weight.detach().clone()) for weight in mine]
    before = [weight.detach().clone() for weight in mine]
    taught(Muon(mine, 0.01), mine)
    taught(
        torch.optim.Muon(
            torchs, lr=0.01, weight_decay=1e-2, ns_steps=3, adjust_lr_fn="match_rms_adamw"
        ),
        torchs,
    )
    for a, b, old in zip(mine, torchs, before, strict=True):
        moved = (b - old).norm()
        assert (a - b).norm() < 0.02 * moved
        assert moved > 0


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_convolution_moves_as_its_matrix(layout):
    torch.manual_seed(3)
    weight = torch.randn(32, 16, 3, 3)
    convolution = nn.Parameter(weight.clone(memory_format=layout))
    flat = nn.Parameter(weight.flatten(1).clone())
    gradient = torch.randn(32, 16, 3, 3)
    convolution.grad, flat.grad = gradient.to(memory_format=layout), gradient.flatten(1)
    Muon([convolution], 0.1).step()
    Muon([flat], 0.1).step()
    assert torch.allclose(convolution.flatten(1), flat, atol=2e-3)
    assert not torch.allclose(convolution, weight, atol=1e-2)
    assert as_matrix(convolution).shape == (32, 144)


def test_it_goes_on_from_what_it_kept():
    torch.manual_seed(4)
    straight = [nn.Parameter(torch.randn(16, 20))]
    halfway = [nn.Parameter(straight[0].detach().clone())]
    taught(Muon(straight, 0.01), straight)
    first = Muon(halfway, 0.01)
    taught(first, halfway, 0)
    gradients = torch.Generator().manual_seed(5)
    for step in range(3):
        halfway[0].grad = torch.randn(16, 20, generator=gradients)
        if step == 1:
            kept, first = first.state_dict(), Muon(halfway, 0.5)
            first.load_state_dict(kept)
        first.step()
    assert torch.equal(straight[0], halfway[0])


def test_matrices_are_those_of_layers_that_are_large_enough():
    net = nn.ModuleDict({
        "conv_in": nn.Conv2d(16, 32, 3),
        "inner": nn.Sequential(nn.Conv2d(16, 32, 3), nn.Linear(32, 16), nn.GroupNorm(2, 16)),
        "small": nn.Linear(8, 32),
        "words": nn.Embedding(30, 30),
    })  # fmt: skip
    found = matrices([net], but=("conv_in",))
    assert [id(weight) for weight in found] == [id(net["inner"][k].weight) for k in (0, 1)]


IN_TURNS = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
from tiny import parallel
from tiny.muon import in_turns, orthogonal

def work(folder):
    made = torch.Generator().manual_seed(6)
    shapes = [(3, 8, 20), (1, 16, 16), (1, 4, 9)]
    stacks = [torch.randn(*shape, generator=made).bfloat16() for shape in shapes]
    alone = [torch.cat([orthogonal(m[None]) for m in stack]) for stack in stacks]
    close = all(map(torch.allclose, alone, in_turns(stacks, 3)))
    (folder / f"{parallel.rank()}.txt").write_text(str(close))

parallel.run(2, work, Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_processes_take_turns_and_share_what_they_made(tmp_path):
    subprocess.run([sys.executable, "-c", IN_TURNS, str(SCRIPTS), str(tmp_path)], check=True)
    assert [(tmp_path / f"{rank}.txt").read_text() for rank in range(2)] == ["True", "True"]
