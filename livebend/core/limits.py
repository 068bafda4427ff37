"""The most that may come in from outside: every parser reads its bounds here.

What exceeds one is refused with a line that names the bound, before anything is made of it. TABLE
is the same as rows for a listing; the table in `control/README.md` is compared with it.
"""

from typing import NamedTuple

TEXT = 2000
NAME = 64
DIGITS = 30
BENDS = 64
ROUTES = 128
PROMPTS = 64
MIXED = 16
LORAS = 16
EMBEDDINGS = 64
CHANNELS = 4096
SLOTS = 64
LOOPS = 32
POINTS = 512
UNDO = 32
SIDE = 4096
PRESET_BYTES = 256 << 10
PRESET_DEPTH = 16
CUES_BYTES = 32 << 20
CUE_LENGTH = 16_384
ARGUMENTS = 256
NESTING = 8
PATTERN = 200
MATCHES = 512
WAITING = 1024
DATED = 1024
DATED_TIME = 3600.0
MASK_BYTES = 16 << 20
PACK_BYTES = 64 << 20
PACK_UNPACKED = 256 << 20
PACK_FILES = 512
LISTENERS = 16
GUESTS = 8
BACKLOG = 16 << 20
NOTICES = 256
MIDI_CONTROLS = 512
OSC_LEARNT = 512
REMOTES = 256
TRIES = 10
UPLOAD = 8 << 20
UPLOADS = 64
REQUEST = 4096
HEADERS = 64
REQUEST_TIME = 10.0
COMMAND = 4096
TOLD = 8192
FOLLOWED = 2048
RIG = 16
RIG_KEY = 4096
RIG_MESSAGE = 32 << 20
RIG_ASKED = 256
RIG_ASKS = 50
RIG_BACKLOG = 64 << 20
RIG_TICKS = 4096
RIG_JOINS = 0.5
WORKERS = 256
SUB_FRAMES = 64


class Limit(NamedTuple):
    """A bound: of what, the most, and its unit or what there are so many of."""

    what: str
    most: float
    unit: str


TABLE = (
    Limit("a prompt, a title or any other text", TEXT, "characters"),
    Limit("the name of a bend, a route or a mixed prompt", NAME, "characters"),
    Limit("a number written as text", DIGITS, "digits before and after the point"),
    Limit("a scene", BENDS, "bends"),
    Limit("a scene", ROUTES, "routes"),
    Limit("`prompt.turns`", PROMPTS, "prompts"),
    Limit("the prompt mixer", MIXED, "prompts beside the first"),
    Limit("a scene", LOOPS, "loops"),
    Limit("a loop", POINTS, "points"),
    Limit("undo", UNDO, "steps back"),
    Limit("a show", LORAS, "LoRAs"),
    Limit("a show", EMBEDDINGS, "textual inversions"),
    Limit("the channels of a bend", CHANNELS, "channels"),
    Limit("slots for presets", SLOTS, "slots"),
    Limit("a side of the picture or of a drawn mask", SIDE, "pixels"),
    Limit("a preset file", PRESET_BYTES // 1024, "KiB"),
    Limit("a key of a preset", PRESET_DEPTH, "parts"),
    Limit("a cue file", CUES_BYTES // 2**20, "MiB"),
    Limit("a line of a cue file", CUE_LENGTH, "characters"),
    Limit("the file of a drawn mask", MASK_BYTES // 2**20, "MiB"),
    Limit("a pack", PACK_BYTES // 2**20, "MiB"),
    Limit("a pack, unpacked", PACK_UNPACKED // 2**20, "MiB"),
    Limit("a pack", PACK_FILES, "files"),
    Limit("an OSC message", ARGUMENTS, "values"),
    Limit("OSC bundles and arrays inside one another", NESTING, "levels"),
    Limit("an OSC address with wildcards", PATTERN, "characters"),
    Limit("what one such address may name", MATCHES, "parameters"),
    Limit("commands that wait for the next frame", WAITING, "commands"),
    Limit("OSC messages that wait for their bundle's time", DATED, "messages"),
    Limit("how far ahead a bundle may be dated", DATED_TIME, "seconds"),
    Limit("listeners that get feedback", LISTENERS, "listeners"),
    Limit("machines that the operator lets in", GUESTS, "guests"),
    Limit("OSC that waits to be read", BACKLOG // 2**20, "MiB, the newest"),
    Limit("notices in the figures of a show", NOTICES, "notices, the newest"),
    Limit("the profile of a MIDI device", MIDI_CONTROLS, "controls"),
    Limit("foreign OSC addresses that are learnt", OSC_LEARNT, "addresses"),
    Limit("the remote", REMOTES, "connections"),
    Limit("wrong codes that the remote hears in a minute, from all together", TRIES, "codes"),
    Limit("a picture that is sent to the remote", UPLOAD // 2**20, "MiB"),
    Limit("pictures that were sent to the remote and are kept", UPLOADS, "pictures"),
    Limit("the first line of an HTTP request, or one of its headers", REQUEST, "bytes"),
    Limit("an HTTP request", HEADERS, "headers"),
    Limit("an HTTP request, with its answer", REQUEST_TIME, "seconds"),
    Limit("what a WebSocket says at once", COMMAND, "bytes"),
    Limit("what a machine may ask for in a second", TOLD, "parameters"),
    Limit("a render", WORKERS, "workers, and threads of each"),
    Limit("a frame of a render", SUB_FRAMES, "pictures that are averaged"),
    Limit("what all WebSockets get in a second, of each value the newest", FOLLOWED, "values"),
    Limit("shows that follow one", RIG, "shows"),
    Limit("the key of a rig", RIG_KEY, "bytes"),
    Limit("what a leader says at once", RIG_MESSAGE // 2**20, "MiB"),
    Limit("what a follower says at once", RIG_ASKED, "bytes"),
    Limit("what a follower says in a second", RIG_ASKS, "messages"),
    Limit("what waits to be sent to a follower", RIG_BACKLOG // 2**20, "MiB"),
    Limit("what waits to be played in a follower", RIG_TICKS, "frames"),
    Limit("between two states that a leader gives", RIG_JOINS, "seconds, at least"),
)
