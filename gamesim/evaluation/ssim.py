"""How alike two pictures are, pixel by pixel: the squared error's PSNR, and SSIM.

Wang, Bovik, Sheikh & Simoncelli, "Image quality assessment: from error visibility to structural similarity"
(2004), Eq. 13, with its constants: an 11x11 Gaussian window of deviation 1.5, K1 = 0.01, K2 = 0.03, L = 255.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

WINDOW, DEVIATION = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in the brightness that SSIM is taken of (ITU-R BT.601)."""
MARGIN = WINDOW // 2
"""Pixels at each edge where the window does not fit, so that SSIM says nothing."""


def ssim_map(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float64]:
    """SSIM at every pixel at which the window fits.

    Args:
        one: uint8 (B, H, W, 3).
        other: the same.

    Returns:
        float64 (B, H - 10, W - 10), -1 to 1; 1 where the pictures are equal, about 0 for unrelated noise.
    """
    x, y = (picture.astype(np.float64) @ LUMINANCE.astype(np.float64) for picture in (one, other))
    mean_x, mean_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    alike = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    return alike / ((mean_x**2 + mean_y**2 + C1) * (var_x + var_y + C2))


def _blur(pictures: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Gaussian mean around each pixel of (B, H, W) at which the window fits."""
    taps = np.exp(-((np.arange(WINDOW) - MARGIN) ** 2) / (2 * DEVIATION**2))
    taps /= taps.sum()
    return sliding_window_view(sliding_window_view(pictures, WINDOW, 1) @ taps, WINDOW, 2) @ taps


def psnr(squared_error: float) -> float:
    """Decibels of a mean squared error of pixel values 0..255; 60 at most, which no eye tells from equal."""
    return float(10 * np.log10(255**2 / max(squared_error, 255**2 / 10**6)))
