"""A QR code as the path of an SVG: drawn within the page, no style and no script."""

from dataclasses import dataclass

import qrcode

# Light modules around the code; scanners want four.
BORDER = 4


@dataclass(frozen=True)
class Drawing:
    size: int
    path: str


def draw(text: str) -> Drawing:
    code = qrcode.QRCode(border=BORDER)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    dark = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark)
    return Drawing(len(rows), "".join(dark))
