"""People who sign in: their sessions, the devices that are known, asking again before what is grave. Imports nothing
of the product's other packages but `common`."""
