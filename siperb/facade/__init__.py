"""What both facades share: every decision that is not a step of a flow."""
