"""The routing map inside other people's processes: a gateway asks, the map decides."""
