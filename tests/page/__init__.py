"""The report as an HTML file."""
