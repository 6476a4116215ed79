"""GameGAN (Kim et al., CVPR 2020, arXiv 2005.12126)."""
