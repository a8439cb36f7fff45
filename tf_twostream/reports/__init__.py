"""The report of what was learnt: one plain document, written as a page and as Markdown.

`material` loads runs, scores and store; `measures` computes what they amount to; `data`, `results`,
`examples` and `records` make the sections of a `document.Document` of it; `page` and `text` write
that as HTML and as Markdown, so that both say the same.
"""
