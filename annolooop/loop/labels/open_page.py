"""A page of Label Studio in the browser of whoever typed the command."""

from annolooop.stack import Stack


def open_page(stack: Stack, url: str) -> tuple[bool, bool]:
    """Open a page, logged in where the server is ours.

    Returns:
        Whether it was opened, and whether the login was asked for twice.
    """
    credentials = stack.daemon.credentials() if stack.daemon else None
    if credentials is None or stack.daemon is None:
        import webbrowser

        return webbrowser.open(url), False
    # Its small server loads what no look at the datasets needs.
    from annolooop.labelstudio.server.login import open_browser, open_session

    session = open_session(stack.studio.url, credentials)
    return open_browser(url, session, stack.daemon.data_dir)
