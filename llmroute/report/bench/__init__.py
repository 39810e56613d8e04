"""A run → its report: one view of plain values, and a renderer for each format."""
