"""The second factor of a log-in: authenticator apps, security keys and passkeys, recovery codes.

totp       the codes of an app (RFC 6238)
keys       security keys and passkeys (WebAuthn)
factors    what a person has: adding, taking a proof, removing
proving    a proof in a request, counted like a log-in where it is wrong
log_in     the log-in in two steps
required   who has to have one, and what waits until they do
pages      a person's own; `resetting` is for somebody else's
"""
