"""Models of other libraries: built by their names without weights, from what lies on this machine alone."""
