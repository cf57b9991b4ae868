"""Mirrors: an index, or a part of it, copied into a folder so that its readers need nothing else.

    origin.py     what is published there now, verified
    walk.py       every file that a root leads to
    selection.py  which versions a part holds
    part.py       the documents of a part
    folder.py     the mirror's own folder: what is there, what is written when, what is removed
    copy.py       the whole of it
    bundle.py     a mirror as one file, to be carried

It reads as the client does and writes as the index's publisher does, so it stands above both.
"""
