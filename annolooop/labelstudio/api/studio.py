"""A Label Studio server: what annoloop asks of it, one class for each kind of thing."""

from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from annolooop.errors import UnreachableError
from annolooop.labelstudio.api.annotations import Annotations
from annolooop.labelstudio.api.connection import Connection
from annolooop.labelstudio.api.data_manager import DataManager
from annolooop.labelstudio.api.people import People
from annolooop.labelstudio.api.predictions import Predictions
from annolooop.labelstudio.api.projects import Projects
from annolooop.labelstudio.api.storages import Storages
from annolooop.labelstudio.api.tasks import Tasks
from annolooop.labelstudio.api.views import Views


class Studio:
    """A Label Studio server, with one person's access token.

    Args:
        connection: to the server.

    Every method of it and of its parts raises :class:`UnreachableError` when the server does not
    answer or refuses a request, and :class:`ConfigError` when it refuses the token.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.data_manager = DataManager(connection)
        self.projects = Projects(connection)
        self.storages = Storages(connection)
        self.tasks = Tasks(connection, self.data_manager, self.projects)
        self.predictions = Predictions(connection, self.data_manager, self.projects)
        self.annotations = Annotations(
            connection, self.data_manager, self.projects, self.predictions
        )
        self.views = Views(connection)
        self.people = People(connection)

    @property
    def url(self) -> str:
        """The server's address."""
        return self.connection.url

    def version(self) -> str:
        """Label Studio's release."""
        return str(self.connection.get("/api/version")["release"])

    def now(self) -> datetime:
        """The server's clock, to the second."""
        date = self.connection.call("GET", "/api/version").headers.get("date", "")
        try:
            return parsedate_to_datetime(date).astimezone(timezone.utc)
        except ValueError:
            raise UnreachableError(
                f"Label Studio at {self.url} does not send its time",
                "Let the proxy before it pass on the header Date.",
            ) from None

    def fetch(self, address: str, cookies: Mapping[str, str] | None = None) -> tuple[str, bytes]:
        """Ask for an image as a browser does: with its cookies, or else with the token.

        Args:
            address: a path on the server's host, or an address elsewhere, which gets neither.
            cookies: of a browser's session.

        Returns:
            Its content type, and its bytes.
        """
        response = self.connection.download(address, cookies)
        return response.headers.get("content-type", "nothing"), response.content
