"""How `collect` runs in its benchmark: one host, which is ours, so no spacing."""

from scgan_data.web.fetch import FetchConfig

FETCH = FetchConfig(contact="bench@example.org", threads=16, connections_per_host=16, interval_s=0.0, deadline_s=20.0)
