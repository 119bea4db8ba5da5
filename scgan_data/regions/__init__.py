"""Region boxes of a head: where its parts lie (`boxes`), in its own frame (`head`), and whether to believe it
(`plausible`); `dense` asks a landmark model instead.
"""
