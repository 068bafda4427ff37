"""Controllers: input from OSC, keys and cue files becomes commands.

parameters (the tree of all that can be played or watched), triggers, readings · desk (what a
controller can act on) · command_queue (commands on their way to the render thread) · osc (the
socket and its thread), osc_packets, osc_backlog, osc_patterns (wildcards), osc_addresses (what a
message means), osc_actions (what it does), osc_aliases (other programs' addresses), osc_learnt
(those that were learnt), targets (what these and MIDI play), lessons (how both learn), osc_feedback
(what goes back), osc_listener (to whom), osc_endpoint (where it listens), door (who is heard) ·
listening (a socket and its threads, as OSC, the remote and a leader have them) · midi, remote
(OSCQuery, and a page to play), rig (several machines, one show) · scene_keeper (slots) · quantiser
(recalls that wait for the beat) · loop_recorder (automation) · key_actions · mouse (the desk under
one) · tap_tempo · cues (a show as a text file), cue_words
"""
