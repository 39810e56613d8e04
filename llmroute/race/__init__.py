"""Scores as they come → which calls are still needed to know the grid's route.

A race asks a task's candidates from cheap to dear, on samples in one random order, and stops as
soon as the route that the full grid would give is sure up to a stated risk. Pure: it sends
nothing, stores nothing and reads no clock; `race.TaskRace` says what to ask and is told the score.
"""
