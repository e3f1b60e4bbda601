"""Numbers within the sentences of README.md, docs/findings.md, docs/article.md and docs/rustbelt-model.md.

A *statement* is a part of a sentence with `{}` in the place of each number, and a function that gives these numbers as
texts. `python -m docs.statements` computes them and writes them into the pages. A number of a page must be in a
statement, in a table that another script of this folder fills, or in a part of the page that `sources.py` lists.
"""
