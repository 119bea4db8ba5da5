"""Near-copies: candidates from hashes, their confirmation, who is kept, and which pictures belong together."""
