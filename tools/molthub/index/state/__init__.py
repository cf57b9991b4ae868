"""What a build leaves for the next one: of every skill the id of its tree, and the rows that it gave.

A database beside the index. Nothing in it is a fact: everything follows from the commit's trees, whose ids say whether
it still holds. So it may be deleted at any time. It is not believed where another program version, another format or
a build that was killed has left it; then the next build makes everything again, with the same bytes.

Each module has its tables: :mod:`~molthub.index.state.skills` one line a skill, :mod:`~molthub.index.state.bots` one a
bot, :mod:`~molthub.index.state.rows` what lists hold, :mod:`~molthub.index.state.search_keys` the cut of the search
lists, :mod:`~molthub.index.state.left_files` what stands in the folder; :mod:`molthub.index.pages.shelves` what the
pages list. Everything there is one of is a fact.
"""
