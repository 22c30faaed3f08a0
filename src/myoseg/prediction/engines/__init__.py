"""What runs a trained network: PyTorch, the reference on any device, or OpenVINO on a CPU."""
