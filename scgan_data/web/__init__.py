"""The one way to the network: polite, safe, and with a reason for every URL that cannot be had."""
