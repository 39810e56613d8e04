"""Judges and people → agreement, attacks and the table to label."""
