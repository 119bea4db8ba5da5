"""Limits set by looking: what a changed limit would do, what a person's judgements say of it, why a picture is out.

columns.py   the few columns of a manifest that a decision needs, as arrays
whatif.py    a changed limit: the funnel beside the recorded one, and the pictures that would flip (flip_sheet.py); the
             filter by rules.py, dedup by copies.py, settings.py for what the command line says
stand_ins.py copies that the filter keeps where dedup's choice among them turns out framed or marked
tune.py      judgements to limits: who is asked about what (sampling.py), what they prove (bounds.py, fit.py), by
             which page (page.py), kept where (judgements.py), written how (params_file.py)
explain.py   one picture: its decisions, values and limits, and its copies (drawn by comparison_sheet.py)
"""
