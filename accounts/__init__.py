"""People who sign in: users, groups and their rights, sessions, devices that are known, second factors, asking
again before what is grave. Imports nothing of the product's other packages but `encryption`, `theme` and `common`."""
