"""MIDI: controllers under the hands, whose controls are bound to parameters and actions.

controls (what a message says) · targets (what can be bound) · profiles (which control does what)
· surface (one device at work: soft takeover, lights) · ports (rtmidi2) · midi_input (the thread:
plugging in and out, learning)
"""
