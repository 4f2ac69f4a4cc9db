"""The queries of alerts and workbook, tried on what the app really logs."""
