"""What the SDK costs, next to other SDKs and to code written by hand: ``python -m tests.benchmarks`` prints the tables.

All take turns in one run, so that whatever else the machine does meets each of them. No test stands on it.
"""
