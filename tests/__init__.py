"""Tests: of the pure parts by module, of the app as stories, of the simulator."""
