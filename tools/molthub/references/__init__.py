"""How declared values refer to secrets, and how programs' files say the same: shared by both halves, no I/O."""
