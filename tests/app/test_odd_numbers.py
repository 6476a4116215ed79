"""Numbers that no float can hold, in whatever the app reads: that one is passed over, and the rest counts."""

import pytest

from app.driver import Driver
from app.training import engine_folder, old_run
from gamesim.app.library.workshop import Recent
from gamesim.app.navigation import visit
from gamesim.app.screens.run import RunPage
from gamesim.app.settings import Scores

pytestmark = pytest.mark.usefixtures("elsewhere")

HUGE = ["1e999", "1" + "0" * 400]
LINE = '{{"step": {}, "seconds": {}, "frames_per_second": {}, "eta_seconds": {}, "losses": {{"kl": {}}}}}\n'


@pytest.mark.parametrize("huge", HUGE)
@pytest.mark.parametrize("place", range(5))
def test_in_the_log_of_a_training(app: Driver, place: int, huge: str):
    folder = old_run(app)
    figures = ["50", "9.0", "30.0", "4.0", "0.5"]
    figures[place] = huge
    with (folder / "metrics.jsonl").open("a") as log:
        log.write(LINE.format(*figures) + LINE.format(60, 10.0, 30.0, 3.0, 0.4))
    page = RunPage(app.window, folder)
    app.window.go(page)
    app.frames(2)
    assert page.run.log.step == 60 and page.run.log.losses["kl"].values[-1] == 0.4
    visit(app.window, "Train")
    app.frames(2)


@pytest.mark.parametrize("huge", HUGE)
def test_in_the_figures_of_a_model(app: Driver, huge: str):
    folder = engine_folder(app)
    (folder / "metrics.json").write_text(f'{{"rules": {{"kept_25": {huge}, "moves_obeyed": 0.5}}}}')
    visit(app.window, "Models")
    app.frames(2)
    (card,) = app.window.screen.cards.values()  # type: ignore[attr-defined]
    assert [figure.value for figure in card.figures] == ["50.0 %"]


@pytest.mark.parametrize("huge", HUGE)
def test_in_what_is_remembered(app: Driver, huge: str):
    path = app.recordings.parent / "odd.json"
    path.write_text(f'{{"best": {{"a": {huge}}}}}')
    Scores(path)
    path.write_text(f'{{"a": {huge}}}')
    assert Recent(path).when("a") == 0.0
