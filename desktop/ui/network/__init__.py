"""The Network page: every request of the last ninety days, and the offline switch."""
