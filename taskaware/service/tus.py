"""What client and service write in headers by the protocol tus (https://tus.io/protocols/resumable-upload)."""

VERSION = "1.0.0"
HEADERS = {"tus-resumable": VERSION}
PART = "application/offset+octet-stream"
"""Type of the body of a part."""
