"""Films painted by a cluster of Ray: real nodes and processes on this machine, killed on the way.

    python -m pytest tests/end_to_end/test_ray_renders.py -m slow -s

Ray is an extra: without it all of this is left out. It takes minutes.
"""

import os
import re
import signal
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from livebend.cli.film import plan
from livebend.cli.film.options import FilmOptions
from livebend.cli.film.ray_workers import open_ray, ray_hire
from livebend.cli.film.rendering import Crew, render_films
from tests.end_to_end.test_long_renders import digest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def nodes():
    """A cluster of two nodes of one core each, by Ray's own."""
    ray = pytest.importorskip("ray")
    utilities = pytest.importorskip("ray.cluster_utils")
    cluster = utilities.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    connected = open_ray(cluster.address)
    cluster.wait_for_nodes()
    yield cluster, connected
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def film(tmp_path, monkeypatch):
    """A film of the embedded model in eight segments, painted by this process; and another of it
    for the cluster, with pictures."""
    monkeypatch.setattr(plan, "SEGMENT", 0.5)
    one = FilmOptions(
        sound="demo", output=tmp_path / "one.mp4", preset="storm", size=(64, 64), seconds=4.0,
        threads=1, backend="torch", frames=tmp_path / "one",
    )  # fmt: skip
    render_films([one], Crew(), print)
    return one, replace(one, output=tmp_path / "two.mp4", frames=tmp_path / "two")


class Watched:
    """A worker of Ray's; `at` is called once, at the third picture of any of them."""

    def __init__(self, worker, pictures, at):
        self._worker, self._pictures, self._at = worker, pictures, at
        self.ready, self.close = worker.ready, worker.close

    def paint(self, job, told):
        def frame(number):
            told(number)
            for _ in range(number):
                if next(self._pictures) == 3:
                    self._at()

        return self._worker.paint(job, frame)


def painted(film, ray, at):
    """Have two workers paint; return what was said."""
    hire, pictures, said = ray_hire(ray, 1, print), count(1), []
    render_films([film], Crew(2, lambda: Watched(hire(), pictures, at)), said.append)
    return said


def assert_same(one, two, said, lost=1):
    assert sum("is painted again: a worker" in line for line in said) >= lost, said
    assert digest(two.output) == digest(one.output)
    names = sorted(file.name for file in one.frames.iterdir())
    assert names == sorted(file.name for file in two.frames.iterdir())
    assert all(digest(one.frames / name) == digest(two.frames / name) for name in names)


def kill(name):
    """Kill one of the processes of this test with that in its command line."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes().decode().replace("\0", " ")
            if name in command and (folder / "cwd").readlink() == Path.cwd():
                os.kill(int(folder.name), signal.SIGKILL)
                return
    raise AssertionError(f"there is no process {name}")


def test_two_nodes_paint_the_same_bytes(film, nodes):
    one, two = film
    said = painted(two, nodes[1], lambda: None)
    assert_same(one, two, said, lost=0)


@pytest.mark.parametrize("name", ["livebend.cli.film.process", "ray::_Actor"])
def test_a_process_that_is_killed_is_replaced(film, nodes, name):
    (one, two), (_, ray) = film, nodes
    said = painted(two, ray, lambda: kill(name))
    assert_same(one, two, said)
    assert any(re.search("has ended|is lost", line) for line in said)


def test_a_node_that_is_removed_is_done_without(film, nodes):
    (one, two), (cluster, ray) = film, nodes

    def remove():
        cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)

    said = painted(two, ray, remove)
    assert_same(one, two, said)
    cluster.add_node(num_cpus=1)
