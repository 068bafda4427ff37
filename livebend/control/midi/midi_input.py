"""MIDI devices in a show: a thread that finds them, plays them, lights them, and learns.

A device that is plugged in is taken up within a second, and again when it comes back. What a
message does is in `surface`, which device does what in `profiles`.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import NamedTuple

from livebend.control.desk import Desk
from livebend.control.midi.controls import Moved, mode_of, moved
from livebend.control.midi.ports import InPort, OutPort, Ports
from livebend.control.midi.profiles import Binding, Profile, device_of, profile_of, save_profile
from livebend.control.midi.surface import Surface
from livebend.control.parameters import Trees
from livebend.control.targets import (
    ENOUGH,
    GESTURE,
    check_target,
    checked_target,
    is_parameter,
    path_in,
)
from livebend.core import clock, limits
from livebend.core.errors import LivebendError, Refused
from livebend.core.files import short
from livebend.core.notify import Notify
from livebend.scene import paths

LOOK = 1.0  # s between looks for devices
TURN = 0.05  # s between looks at lights: 20 times a second
ANY = "auto"  # every device
CLOCKS = 0xF0  # status bytes from here on belong to no channel

Timed = Callable[[tuple[int, ...], float], None]


class _Heard(NamedTuple):
    """A message as it came in."""

    port: str
    message: tuple[int, ...]


@dataclass(slots=True)
class _Device:
    """A device that is plugged in and open."""

    name: str
    surface: Surface
    into: InPort
    out: OutPort | None


@dataclass(slots=True)
class _Lesson:
    """A parameter that waits for its control, and what has been moved since."""

    target: str
    port: str = ""
    events: list[Moved] = field(default_factory=list)
    until: float = 0.0


class MidiInput:
    """The MIDI devices of a show; `work` is a Worker's body, other methods are for any thread."""

    def __init__(
        self,
        ports: Callable[[], Ports],
        desk: Desk,
        notify: Notify,
        *,
        wanted: str = ANY,
        timed: Timed | None = None,
        learnt: Callable[[], None] = lambda: None,
        now: Callable[[], float] = clock.now,
    ) -> None:
        """
        ports: opens the MIDI system; called in the thread, and again after it failed.
        desk: what devices act on.
        wanted: a part of the name of the only device that is played, or "auto".
        timed: takes the messages of a MIDI clock, with their times in s, in the driver's thread.
        learnt: is called when a control is bound: nobody else need wait for it any more.
        now: s, for tests.
        """
        self._learnt = learnt
        self._open, self._desk, self._trees = ports, desk, Trees(desk.output)
        self._notify, self._wanted, self._timed, self._now = notify, wanted.casefold(), timed, now
        self._ports: Ports | None = None
        self._devices: dict[str, _Device] = {}
        self._heard: SimpleQueue[_Heard] = SimpleQueue()
        self._asked: SimpleQueue[tuple[str, bool]] = SimpleQueue()
        self._lesson: _Lesson | None = None
        self._said: set[str] = set()
        self._look_at = 0.0
        self._had_device = False

    @property
    def devices(self) -> tuple[str, ...]:
        """The names of the devices that are played now."""
        return tuple(device.name for device in self._devices.values())

    @property
    def waiting(self) -> str:
        """The target that is being learnt, or ""."""
        lesson = self._lesson
        return "" if lesson is None else lesson.target

    def playing(self, path: str) -> list[str]:
        """Return what plays a parameter of the scene now, such as "nanoKONTROL2 cc.1.19"."""
        scene, devices = self._desk.scene.get(), tuple(self._devices.values())
        return [
            f"{device.name} {binding.at}"
            for device in devices
            for binding in device.surface.profile.bindings
            if path in (binding.to, path_in(scene, binding.to))
        ]

    def learn(self, target: str) -> None:
        """Bind the control that is moved next to a target. Raises: LivebendError where no control
        can play it."""
        self._check(target)
        self._asked.put((target, True))

    def drop(self) -> None:
        """Wait for no control any more."""
        self._asked.put(("", True))

    def forget(self, target: str) -> None:
        """Take a target's controls from it, on every device that is played."""
        self._asked.put((check_target(target, self._desk.output), False))

    def work(self, stop: threading.Event) -> None:
        """Play devices until stopped."""
        try:
            while not stop.is_set():
                self.turn(TURN)
        finally:
            for port in tuple(self._devices):
                self._close(port)

    def turn(self, patience: float) -> None:
        """Wait up to `patience` s for messages, act on all there are, and show the outcome."""
        try:
            self._hear(self._heard.get(timeout=patience) if patience else self._heard.get_nowait())
            for _ in range(limits.WAITING):
                self._hear(self._heard.get_nowait())
        except Empty:
            pass
        while not self._asked.empty():
            self._ask(*self._asked.get())
        if self._lesson and self._lesson.events and self._now() >= self._lesson.until:
            self._end_lesson(self._lesson)
        if self._now() >= self._look_at:
            self._look_at = self._now() + LOOK
            self._look()
        for port, device in tuple(self._devices.items()):
            self._light(port, device)

    # ---- devices -----------------------------------------------------------------------------

    def _look(self) -> None:
        """Take up devices that are new, and give up those that are gone."""
        try:
            self._ports = self._ports or self._open()
            inputs = [n for n in self._ports.inputs() if self._is_wanted(n)]
            outputs = self._ports.outputs()
        except Refused as why:
            self._ports, inputs, outputs = None, [], []
            self._say_once(str(why))
        for port in [port for port in self._devices if port not in inputs]:
            name = self._devices[port].name
            self._close(port)
            self._notify(f"MIDI: {name} is gone; it is played again when it is back")
        for port in [port for port in inputs if port not in self._devices]:
            self._take_up(port, outputs)
        if self._ports is not None and not self._had_device:
            self._say_once("MIDI: no device; one that is plugged in is played at once")

    def _is_wanted(self, port: str) -> bool:
        return self._wanted == ANY or self._wanted in port.casefold()

    def _take_up(self, port: str, outputs: Sequence[str]) -> None:
        assert self._ports is not None
        name = device_of(port)
        try:
            profile = profile_of(name, self._desk.output)
        except LivebendError as why:
            self._say_once(f"MIDI: {why}")
            profile = Profile(name)
        surface = Surface(self._desk, self._trees, profile, self._now)
        try:
            into = self._ports.open_input(port, lambda message: self._take(port, message))
        except Refused as why:
            self._say_once(str(why))
            return
        self._had_device = True
        self._devices[port] = _Device(name, surface, into, self._output(name, outputs))
        count = len(profile.bindings)
        self._notify(f"MIDI: {name} is played ({count} control{'' if count == 1 else 's'} bound)")

    def _output(self, name: str, outputs: Sequence[str]) -> OutPort | None:
        """The output of a device that has one."""
        assert self._ports is not None
        port = next((output for output in outputs if device_of(output) == name), None)
        if port is None:
            return None
        try:
            return self._ports.open_output(port)
        except Refused as why:
            self._say_once(str(why))
            return None

    def _close(self, port: str) -> None:
        device = self._devices.pop(port)
        device.into.close()
        if device.out is not None:
            device.out.close()

    def _say_once(self, what: str) -> None:
        if what not in self._said and len(self._said) < limits.NOTICES:
            self._said.add(what)
            self._notify(what)

    # ---- messages ----------------------------------------------------------------------------

    def _take(self, port: str, message: Sequence[int]) -> None:
        """Take a message, in the driver's thread."""
        if message and message[0] >= CLOCKS:
            if self._timed is not None:
                self._timed(tuple(message), self._now())
        else:
            self._heard.put(_Heard(port, tuple(message)))

    def _hear(self, heard: _Heard) -> None:
        event, device = moved(heard.message), self._devices.get(heard.port)
        if event is None or device is None:
            return
        if self._lesson is not None:
            self._follow(self._lesson, heard.port, event)
            return
        try:
            device.surface.play(event)
        except LivebendError as why:
            self._say_once(f"MIDI: {device.name}, {event.control}: {why}")

    def _light(self, port: str, device: _Device) -> None:
        if device.out is None:
            return
        try:
            for message in device.surface.lights():
                device.out.send(message)
        except Refused as why:
            self._say_once(f"{why}; {device.name} is not lit any more")
            device.out.close()
            self._devices[port].out = None

    # ---- learning ----------------------------------------------------------------------------

    def _check(self, target: str) -> None:
        """Raises: LivebendError where no control can play the target now."""
        scene = self._desk.scene.get()
        checked_target(target, scene, self._desk.output)
        path = path_in(scene, target) if is_parameter(target) else None
        if path is not None and paths.find(scene, path).kind == "text":
            raise Refused(f"{path}: a text, and a control plays numbers, choices and switches")

    def _ask(self, target: str, learns: bool) -> None:
        if learns and not target:
            self._lesson = None
            return
        if learns:
            self._lesson = _Lesson(target)
            self._notify(f"MIDI: move the control for {target}")
            return
        for device in self._devices.values():
            if device.surface.profile.without(target) != device.surface.profile:
                self._keep(device, device.surface.profile.without(target))

    def _follow(self, lesson: _Lesson, port: str, event: Moved) -> None:
        """Take an event of the gesture that says which control it is to be."""
        kind = event.control.kind
        if not lesson.events:
            if kind == "note" and event.value == 0:
                return  # a pad that was held before is let go
            lesson.port, lesson.until = port, self._now() + GESTURE
        elif (port, kind) != (lesson.port, lesson.events[0].control.kind):
            return
        lesson.events.append(event)
        if kind != "cc" or len(lesson.events) >= ENOUGH:
            self._end_lesson(lesson)

    def _end_lesson(self, lesson: _Lesson) -> None:
        self._lesson = None
        device = self._devices.get(lesson.port)
        if device is None:
            self._notify(f"MIDI: {lesson.target} is not learnt: its device is gone")
            return
        self._learnt()
        at, mode = mode_of(lesson.events)
        binding = Binding(at, lesson.target, mode)
        how = "" if mode == "absolute" else f", {mode}"
        self._notify(f"MIDI: {lesson.target} is played by {device.name}, {at}{how}")
        self._keep(device, device.surface.profile.with_binding(binding))

    def _keep(self, device: _Device, profile: Profile) -> None:
        """Play a device by a changed profile, and write it as the user's own."""
        device.surface.profile = profile
        device.surface.relight()
        try:
            self._notify(f"MIDI: kept in {short(save_profile(device.name, profile))}")
        except LivebendError as why:
            self._notify(f"MIDI: {why}; it is kept until the end of this show")
