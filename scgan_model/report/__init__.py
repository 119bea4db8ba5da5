"""One self-contained HTML page: what the data stages did and what the model learned."""
