"""How things look and read: badges and their tones, times, charts, the sidebar, style sheets, the pages' frame.

Imports nothing of ours but `common`.
"""
