"""What can go wrong in storage; each class tells its catcher what to do next."""


class StorageError(Exception):
    """Something in storage failed; see the subclass for what to do."""


class StorageFull(StorageError):
    """Not enough space is left to keep the object. Nothing was stored; the sender should try again later."""


class StorageUnavailable(StorageError):
    """The database or the object store did not answer. Nothing was committed; try again later."""


class AlreadyOpen(StorageError):
    """Another gateway process holds this data folder. SQLite means exactly one process: stop the other first."""


class ObjectMissing(StorageError):
    """The index names an object whose bytes are not there. Raise an alarm: this must never happen."""


class SchemaTooNew(StorageError):
    """The data folder was written by a newer release. Install that release; nothing was changed."""
