"""Where pictures come from: one module a kind of source, all behind one interface."""
