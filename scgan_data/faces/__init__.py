"""Faces: who finds them (`retinaface`), and what is known of each (`face`)."""
