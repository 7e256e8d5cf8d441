"""READ SOURCE: the secrets of the sync's folder, whole or not at all.

A source that cannot be read whole is an error, never a smaller set: what is missing would be deleted from Devin.
"""

from syncs.errors import SourceProblem
from syncs.models import DevinSync
from vault.errors import SourceError
from vault.reading import SourceSecret, read_secrets


def read_source(sync: DevinSync) -> list[SourceSecret]:
    """Raises SourceProblem, which names the folder or the secret and says what to do."""
    if sync.folder is None:
        raise SourceProblem(
            f"The source folder {sync.source_label} no longer exists. Choose another source for this sync; until then "
            "nothing is written to Devin and nothing deleted."
        )
    try:
        return read_secrets(sync.folder, recursive=sync.recursive)
    except SourceError as error:
        raise SourceProblem(f"Could not read {sync.source_label}: {error}", retryable=error.retryable) from error
