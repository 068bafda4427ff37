"""Controllers: what comes in from OSC, keys and cue files becomes commands; nothing holds state.

desk (the places a controller can reach) · command_queue (commands on their way to the render
thread) · osc (the socket), osc_packets, osc_addresses (what a message means), osc_allowlist ·
key_actions · tap_tempo · cues (a show written down, and played again)
"""
