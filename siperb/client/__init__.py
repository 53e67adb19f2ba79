"""What both facades share: every step and every decision, without I/O."""
