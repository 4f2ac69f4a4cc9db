"""The report: what a sweep found, as one HTML file."""
