"""Pictures of figures; they need the extra `plots`."""

import imageio.v3 as imageio
import pytest

from gamesim.errors import UserError
from gamesim.evaluation.evaluate import measure
from gamesim.evaluation.plots import available, save_plots
from gamesim.evaluation.subject import Subject
from worlds import Frozen


@pytest.mark.extra("matplotlib")
@pytest.mark.slow
def test_figures_become_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr("gamesim.evaluation.subject.LONGEST", 12)
    monkeypatch.setattr("gamesim.evaluation.pacman.coming_home.LENGTHS", (2, 5))
    figures = {"game": "gamesim/Pacman-v0", "episodes": 4, "seed": 0}
    figures |= measure(Subject(Frozen(), game="gamesim/Pacman-v0", episodes=4))
    files = save_plots(figures, tmp_path / "new" / "folder")
    assert [file.name for file in files] == ["rules.png", "dream.png"]
    for file in files:
        picture = imageio.imread(file)
        assert picture.shape[0] > 500 < picture.shape[1]
        assert picture[..., :3].std() > 10
    assert save_plots({"rules": None}, tmp_path) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"):
        save_plots(figures, tmp_path / "file")


def test_without_matplotlib_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(UserError, match="extra 'plots'"):
        available()
