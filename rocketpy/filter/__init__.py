"""Which messages a consumer wants: pure functions from an expression to what decides."""
