"""What a sync survives: its worker killed at every statement and request, or stopped and woken."""
