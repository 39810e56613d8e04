"""Request → its task: by what is said of it, by rules, by likeness; or unknown, on any doubt.

`recognise` puts the layers together: `tags` and `rules` are written by people, `semantic` is
learned from the suites by `fit`, and `evaluate` says how often all of it errs and what that costs.
"""
