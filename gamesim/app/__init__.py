"""The desktop app: pygame lives here and nowhere else."""


def main(start: str | None = None) -> int:
    """Open the window and stay in it until the player leaves.

    Args:
        start: None for the menu, or what to play at once: an environment id or a checkpoint's folder.

    Returns:
        The exit code, 0.

    Raises:
        UserError: there is no display, or `start` names nothing that can be played.
    """
    from gamesim.app.window import Window

    title = None
    if start is not None:
        from gamesim.app.catalog import title_of

        title = title_of(start)
    window = Window()
    from gamesim.app.screens.menu import Menu

    menu = Menu(window)
    window.go(menu)
    if title is not None:
        menu.open(title)
    return window.run()
