"""Comparison → RoutingMap ⇄ YAML."""
