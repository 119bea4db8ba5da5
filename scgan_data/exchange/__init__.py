"""Pictures and boxes in the formats of other tools, and what people did to the boxes there, read back as verdicts."""
