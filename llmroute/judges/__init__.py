"""A rubric, an answer → the judge's messages; its reply → Verdict. Nothing here is called."""
