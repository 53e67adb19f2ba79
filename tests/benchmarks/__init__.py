"""What the SDK costs, next to code written by hand: ``python -m tests.benchmarks`` prints a Markdown table of ratios.

Ours and the peer take turns in one run, so that whatever else the machine does meets both. No test stands on it.
"""
