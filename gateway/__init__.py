"""Reading Gateway: from the modality's plug to the acknowledged report."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("reading-gateway")
except PackageNotFoundError:      # a checkout that was never installed
    __version__ = "0+unknown"
