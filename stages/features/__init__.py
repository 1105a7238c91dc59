"""From features files to fused matrices: encoders, scales, distances and inner products."""
