"""What kubelets may do: read what their pods need, and write of their own node and its pods."""
