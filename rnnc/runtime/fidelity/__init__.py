"""How near the gradients of learning rules come to the exact one."""
