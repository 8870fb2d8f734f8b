"""mailauth beside the older engines, over thousands of generated cases."""
