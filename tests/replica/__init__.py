"""A second Projudi, written from docs/flow.md's "Portais" alone by somebody who had not seen workers/portals/demo.

Where a sentence of the contract can be read in several ways, cases take turns at them: what the adapter understands
must not be one author's habit.
"""
