"""The audit log, sent elsewhere line by line: to a file, to syslog, to an HTTPS collector.

A thread beside the scheduler sends what is linked, in order, and remembers how far it came. It repeats what it is not
sure of, so that no line is lost; each has its digest, by which a receiver drops what it has already.
"""
