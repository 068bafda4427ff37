"""The remote: an HTTP and WebSocket server by which programs find and follow the parameters, and a
page from which a performer plays.

nodes (the tree as OSCQuery describes it) · gate (whose requests are read, and how much each is
told) · followers (who follows values by WebSocket) · connections, sockets (who is connected, and
how each is served) · server (the port and its thread) · pacing (what it may cost the show) ·
announcing (by zeroconf)

the page: pairing (its code and tokens) · site (its files, tree and uploads by HTTP) · pages (its
WebSocket: follows, sees, plays) · descriptions (the tree and what can be added) · live (meters and
what moves) · preview (the picture) · uploads (pictures as masks) · page/ (its HTML, CSS and
JavaScript, as they are sent)
"""
