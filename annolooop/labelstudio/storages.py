"""How Label Studio reaches the images of the artifact store."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from annolooop.errors import ConfigError
from annolooop.files import make_folder
from annolooop.labelstudio.client import Studio


@dataclass(frozen=True)
class LocalImages:
    """Images in a folder that the server may serve files of.

    Attributes:
        document_root: the folder whose files the server serves.
        store: the store's folder, below it or the same.
        images: name of the images' folder in the store.
        prefix: path of the server's address; a browser resolves against the host alone.
    """

    document_root: Path
    store: Path
    images: str
    prefix: str = ""

    def connected(self, studio: Studio, project: int) -> bool:
        """Whether a project can show them."""
        return studio.has_local_storage(project, str(self.store / self.images))

    def connect(self, studio: Studio, project: int) -> None:
        """Let a project show them."""
        folder = make_folder(self.store / self.images)
        studio.ensure_local_storage(project, str(folder))

    def url(self, key: str) -> str:
        """What a task's ``image`` says for this key of the store.

        Raises:
            ConfigError: the store is not below the document root.
        """
        try:
            relative = (self.store / key).relative_to(self.document_root)
        except ValueError:
            raise ConfigError(
                f"label_studio.document_root is {self.document_root}, and the store "
                f"{self.store} is not below it",
                "Set label_studio.document_root to a folder that holds the store.",
            ) from None
        return f"{self.prefix}/data/local-files/?d={quote(relative.as_posix())}"
