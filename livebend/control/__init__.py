"""Hands: what comes in from OSC, keys and cue files becomes commands; nothing here holds state.

`queue` carries commands to the render thread, `addresses` reads OSC messages, `osc` is the socket,
`keys` names what a key does, `cues` writes a show down and plays it again.
"""
