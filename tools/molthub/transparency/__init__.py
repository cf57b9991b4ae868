"""The log of published versions: a Merkle tree over every version that was ever published, kept as static files.

:mod:`~molthub.transparency.merkle` holds the proofs (RFC 6962, RFC 9162), :mod:`~molthub.transparency.tiles` how the
tree lies in files (C2SP tlog-tiles), :mod:`~molthub.transparency.checkpoint` the signed head of the tree (C2SP
tlog-checkpoint, signed-note), :mod:`~molthub.transparency.entries` what is logged and where to look for it. All of it
is pure: the index side writes with it (:mod:`molthub.index.release_log`), clients check with it
(:mod:`molthub.client.log_proofs`).
"""
