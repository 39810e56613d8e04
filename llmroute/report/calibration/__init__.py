"""A calibration → its story, figures and page."""
