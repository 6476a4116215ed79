"""The figures of `evaluate` as pictures; needs the extra ``plots`` (matplotlib)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gamesim.errors import UserError
from gamesim.evaluation.metrics import aims, parts
from gamesim.text import reason

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe & Ito's, which most eyes can tell apart."""


def _panels() -> dict[str, list[str]]:
    """The figures by horizon that have a panel, by its title."""
    panels: dict[str, list[str]] = {}
    for metric in parts()["horizons"].metrics:
        if metric.panel:
            panels.setdefault(metric.panel, []).append(metric.name)
    return panels


def save_plots(figures: Mapping[str, Any], folder: str | Path) -> list[Path]:
    """Draws what was measured into PNG files.

    Args:
        figures: of `evaluate`.
        folder: made where it is missing.

    Returns:
        The files: ``rules.png`` by horizon, and ``dream.png`` with home, fidelity and new cells; none for a
        game that cannot be decoded.

    Raises:
        UserError: matplotlib is not installed, or the folder cannot be written.
    """
    figure_class = available()
    if figures.get("rules") is None:
        return []
    folder = Path(folder)
    drawn = {"rules.png": _rules(figure_class, figures), "dream.png": _dream(figure_class, figures)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in drawn.items():
            figure.savefig(folder / name, dpi=110)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({reason(error)})") from error
    return [folder / name for name in drawn]


def available() -> type[Figure]:
    """Matplotlib's figure.

    Raises:
        UserError: it is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UserError("plots need matplotlib: install gamesim with its extra 'plots'") from None
    return Figure


def check(file: str | Path) -> None:
    """Complain about a picture that matplotlib could not draw, before there is anything to draw.

    Raises:
        UserError: it is not installed, or draws no files of that kind.
    """
    kinds = available()().canvas.get_supported_filetypes()
    if Path(file).suffix.lower().removeprefix(".") not in kinds:
        raise UserError(f"{file}: the name of a picture ends in one of .{', .'.join(sorted(kinds))}")


def _rules(figure_class: type[Figure], figures: Mapping[str, Any]) -> Figure:
    figure = figure_class(figsize=(14, 8), layout="constrained")
    found, wanted, panels = figures["horizons"], aims(), _panels()
    rows = figure.subplots(-(-len(panels) // 3), 3)
    for axes, (title, names) in zip(rows.flat, panels.items(), strict=False):
        for name, colour in zip(names, COLOURS, strict=False):
            _line(axes, found["steps"], found[name], name, colour)
            if f"real_{name}" in found:
                _line(axes, found["steps"], found[f"real_{name}"], None, colour, ":")
            bars = [wanted.get(f"horizons.{name}@{step}", (None,))[0] for step in found["steps"]]
            axes.plot(range(len(bars)), [_gap(bar) for bar in bars], "_", color=colour, ms=14, mew=1.5)
        low = min((each for name in names for each in found[name] if each is not None), default=0.0)
        axes.set_ylim(min(0.9, low) - 0.02, 1.01)
        axes.set_title(title)
        axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=2, frameon=False)
    figure.suptitle(f"{_title(figures)}: rules kept by dreamt step (bars: aims)")
    return figure


def _dream(figure_class: type[Figure], figures: Mapping[str, Any]) -> Figure:
    figure = figure_class(figsize=(14, 8), layout="constrained")
    (home, new), (psnr, ssim) = figure.subplots(2, 2)
    walks = {name: value for name, value in figures["home"].items() if name.startswith("cells_")}
    bars = home.bar([name[6:] for name in walks], [value or 0 for value in walks.values()], color=COLOURS[0])
    home.bar_label(bars, fmt="%.3f")
    home.axhline(aims()["home.cells_10"][0], color="black", lw=1, ls="--")
    home.set_ylim(0, 1.08)
    home.set_title("Coming home: cells that agree, by steps out (dashed: aim)")
    ratios = {n[6:]: v for n, v in figures["diversity"].items() if n.startswith("ratio_")}
    bars = new.bar(list(ratios), [value or 0 for value in ratios.values()], color=COLOURS[2])
    new.bar_label(bars, labels=["-" if v is None else f"{v:.2f}" for v in ratios.values()])
    new.axhspan(0.9, 1.1, color="black", alpha=0.12, lw=0)
    new.margins(y=0.12)
    variety = figures["diversity"]["variety"]
    told = "-" if variety is None else f"{variety:.2f}"
    new.set_title(f"New cells: share divided by the real game's (band: aim); variety {told}")
    found = figures["fidelity"]
    for axes, name in ((psnr, "psnr"), (ssim, "ssim")):
        _line(axes, found["steps"], found[name], "dream", COLOURS[0])
        _line(axes, found["steps"], found[f"{name}_still"], "last frame seen", COLOURS[1])
        axes.legend(fontsize=8)
    psnr.set_title("Open loop: PSNR on determined cells (dB)")
    ssim.set_title("Open loop: SSIM on determined cells")
    figure.suptitle(_title(figures))
    return figure


def _line(
    axes: Axes,
    steps: Sequence[float],
    values: Sequence[float | None],
    label: str | None,
    colour: str,
    style: str = "-",
) -> None:
    """Values at horizons that lie equally far apart."""
    marker = "o" if style == "-" else ""
    axes.plot(
        range(len(steps)), [_gap(v) for v in values], style, marker=marker, ms=4, color=colour, label=label
    )
    axes.set_xticks(range(len(steps)), [f"{step:.0f}" for step in steps])
    axes.grid(alpha=0.25)


def _gap(value: float | None) -> float:
    return float("nan") if value is None else value


def _title(figures: Mapping[str, Any]) -> str:
    return f"{figures['game']}, {figures['episodes']} episodes, seed {figures['seed']}"
