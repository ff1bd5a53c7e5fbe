"""The people of a Label Studio server."""

from annolooop.labelstudio.api.connection import Connection


class People:
    """Users.

    Args:
        connection: to the server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def whoami(self) -> str:
        """E-mail address of the token's owner. Proves that the token is accepted."""
        return str(self._connection.get("/api/current-user/whoami")["email"])

    def emails(self) -> dict[int, str]:
        """User id -> e-mail address."""
        users = self._connection.get("/api/users")
        return {int(user["id"]): str(user["email"]) for user in users if user.get("email")}

    def ids(self) -> dict[str, int]:
        """E-mail address -> user id."""
        return {email: number for number, email in self.emails().items()}

    def create(self, email: str) -> None:
        """Make an account; it has no password, so nobody can log in with it yet."""
        self._connection.post("/api/users/", {"email": email, "username": email[:150]})
