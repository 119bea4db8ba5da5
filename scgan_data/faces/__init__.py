"""Faces: who finds them (`detectors`), how they look (`retinaface`, `views`), what is known of each (`face`)."""
