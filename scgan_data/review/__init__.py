"""The local page on which people accept, reject and correct, and the one web server that this and `tune` share."""
