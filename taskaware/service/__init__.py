"""taskaware as a service: HTTP, one page, jobs in a process of their own, and a client.

Only `taskaware serve` and `taskaware.Client` import it; it needs the extra: pip install 'taskaware[serve]'.
"""
