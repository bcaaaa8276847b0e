"""What is shown of how near the gradients of learning rules come to the exact one: text, JSON, a picture."""
