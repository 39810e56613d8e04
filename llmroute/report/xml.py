"""Elements → an XML document that holds only what XML allows."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_xml(root: ET.Element) -> str:
    """The document, indented, with its declaration."""
    ET.indent(root)
    xml = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}\n'


def legal(text: str) -> str:
    """The text without what XML 1.0 (section 2.2) forbids; `visible` has escaped most of it."""
    return _ILLEGAL.sub("\ufffd", text)
