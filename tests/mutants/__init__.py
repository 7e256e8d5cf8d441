"""Mutation testing: how many small changes of the code no test notices.

`mutmut` makes the changes and runs, for each, the tests that reach the changed function, in a fork. Here is what this
product needs around it: which tests are meant to notice what, a database for each fork, and the few changes that
change nothing.
"""
