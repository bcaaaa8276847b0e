"""Loops, buffers and fused kernels."""
