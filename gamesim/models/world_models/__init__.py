"""World Models: a VAE that sees (V), an MDN-RNN that foresees (M), a linear controller that acts (C).

Ha & Schmidhuber, "Recurrent World Models Facilitate Policy Evolution", NeurIPS 2018, arXiv 1803.10122.
"""
