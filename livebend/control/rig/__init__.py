"""Several machines, one show: a leader says what each frame was painted from, followers paint it.

A follower is a show whose inputs come from the leader instead of the microphone and the hands: the
same preset, seed, clock, sound features and commands give the same frames (alike, but not equal,
where OpenVINO computes in bfloat16 with more than one thread). It joins at any moment by what the
leader's renderer has kept, skips frames that it is too slow for without losing their time, and
plays on by itself while there is no leader.

A plain TCP connection by asyncio: before both sides have shown that they know the key, nothing is
read but two messages of a fixed length, so there is no parser for a stranger to play with, as that
of HTTP and WebSockets would be; after that every message is numbered and signed. It is not
encrypted: who reads the network's packets sees what is played, but can change nothing.

key (who may follow, and signed messages) · messages (what is said) · connecting (HOST:PORT, and
bytes of a socket) · leader (the port and its thread) · receiver (a follower's connection and its
thread) · clock_offset (the leader's clock here) · following (a follower's clock, sound and
commands) · alone (the sound without a leader) ·
meeting (a leader met before the show)
"""
