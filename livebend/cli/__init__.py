"""The command line: one file a command, each with `run(options)`, which returns the exit status.

main (the table of commands) · shared_arguments, show_arguments, tool_arguments (what is given),
option_values (how it is read), options (what several commands make of it) · printing · render,
film/ (what it does) · pack, unpack, show_pack (a show in one file) · sweep, contact_sheet,
operator_strips (sheets of pictures) · the listings · site_survey, find_clusters · touchosc,
touchosc_layout · bench/, tune · doctor/

live (the command): starting (before torch is there), no_display · live_show (the show: its order of
start and end) · what its parts share: live_options, live_state, live_notices (what it says) · its
parts: live_ends (sound, pictures, outputs), live_picture, player (network and renderer), painting
(the render thread), live_commands (from cues and hands to the render thread), hands (OSC, MIDI,
the remote), screen (the window), streaming, rig (other shows) · around it: signals, guard, guarded
(the show's side), check, rehearsal (seconds of a show), power
"""
