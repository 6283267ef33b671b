"""The window itself: its pages, actions, command palette and geometry."""
