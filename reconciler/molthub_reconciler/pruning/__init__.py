"""Taking away what nothing refers to any more: of the store, of what was fetched, of what killed passes left."""
