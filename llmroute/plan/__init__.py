"""Config × Suites → Plan: the calls of a run, before the first is sent."""
