"""Who made a picture and what may be done with it: what files say, licences under one name, and our rules."""
