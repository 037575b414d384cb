"""One folder an architecture; the registry is the literal dict below."""
