"""Gallery pages and sitemaps: what pictures they show, where they go on, and what they say of each picture."""
