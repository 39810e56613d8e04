"""What was found → pages and files a person reads.

A folder a kind of report, its `view` the plain values that all its formats show. What stands beside
them is shared: numbers as text (`amounts`), and text made safe for one sink each (`sanitize`,
`markdown`, `cells`, `xml`, `page`).
"""
