"""Text to syntax tree; the only room that knows lark."""
