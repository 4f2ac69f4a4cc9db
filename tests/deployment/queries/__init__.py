"""The queries of alerts and workbook, run on what the app really logs."""
