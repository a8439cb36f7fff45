"""What can be wrong with a file of another program, and how the file's name gets into the message.

Readers raise these errors with a reason alone, because they see bytes and no path.
"""

import contextlib
import zlib
from collections.abc import Iterator


class ForeignFileError(ValueError):
    """A file is damaged, cut off or of another kind."""


class OtherFormError(ValueError):
    """A file holds its network in a form that only the program it comes from can change."""


class OtherNetworkError(ValueError):
    """A network does not compute what ours computes."""


class DescriptionError(ValueError):
    """What the user says about a file contradicts it."""


@contextlib.contextmanager
def naming(path: str, kind: str) -> Iterator[None]:
    """Names the file in the errors that arise while it is read.

    Args:
        path: The file.
        kind: What it has to be, for example ".mat file of MATLAB".

    Raises:
        ForeignFileError: If the bytes are not those of such a file.
        OtherFormError: If it has to be written anew by its own program.
        OtherNetworkError: If its network cannot be converted.
    """
    try:
        yield
    except (ForeignFileError, zlib.error) as error:  # zlib's error is not a ValueError.
        raise ForeignFileError(f"{path} must be a whole {kind}. Received: {error}.") from error
    except (OtherFormError, OtherNetworkError) as error:
        raise type(error)(f"{path} cannot be converted. {error}") from error
