"""The demonstration portal: invented cases behind the DOM of Projudi, served on 127.0.0.1.

It imports nothing of the readers and matchers that it tests.
"""
