"""Comparison + RoutingMap → pages: one view of plain values, and a renderer for each format."""
