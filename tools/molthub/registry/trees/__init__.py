"""Where the files of a registry come from: git trees, folders, and what of them may be read."""
