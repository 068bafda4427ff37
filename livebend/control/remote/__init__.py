"""The remote: an HTTP and WebSocket server by which other programs find and follow the parameters.

nodes (the tree as OSCQuery describes it) · gate (who is let in, and how much each is told) ·
followers (who follows values by WebSocket) · server (the port and its thread) · announcing (by
zeroconf)
"""
