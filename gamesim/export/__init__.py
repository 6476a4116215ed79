"""What leaves gamesim: films of play, and models as ONNX."""
