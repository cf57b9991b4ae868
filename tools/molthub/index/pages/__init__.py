"""The pages that people read: plain HTML files, no build step, no request to anybody else, no script but for search.

Every page is made of what the index holds: entries, manifests, files. Links are relative to the index's root, which
each page names by ``<base>``, so that a row that is made once can stand in pages of any depth, and so that an index
works under any address. What skills' authors wrote is text here: escaped, or rendered from Markdown and sanitised.
"""
