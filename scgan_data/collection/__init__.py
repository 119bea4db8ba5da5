"""The running collection: its state, its scheduler, its threads and processes, and the rows that come out."""
