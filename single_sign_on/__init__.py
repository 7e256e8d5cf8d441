"""Logging in at providers of OpenID Connect: what is asked there, what of the answer counts, who it is here, and which
groups that gives. Where and by whom is in the environment alone; `common.single_sign_on_settings` reads it."""
