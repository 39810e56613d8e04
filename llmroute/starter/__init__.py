"""Environment and loopback → a first configuration and suite."""
