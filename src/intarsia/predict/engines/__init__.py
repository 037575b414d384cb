"""Who does the work: this process, or the machines of a cluster."""
