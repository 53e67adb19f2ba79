"""The pure core: no socket, no file, no thread, no event loop, no clock, no environment."""
