"""Many photos with one command: what photos there are, units of them, worker processes, results in parts, and going on.

Takes a source of photos (`sources`), a method and a detector by name, and a folder. Gives parts (`amodal.data.parts`
reads them). A unit is the photos of one part: `work.do_unit` needs nothing else to make the part, so that processes,
or whatever spreads work over machines, hand units around and nothing more.
"""
