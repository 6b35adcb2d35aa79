"""Digits from the TrueType fonts that matplotlib ships: upright, bold, italic, with and without serifs, fixed width.

These fonts come with the package, so that the images do not depend on the fonts of the machine.
"""

from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

# the fonts of matplotlib 3.10 with lining digits; its cmmi10, cmsy10, cmex10 and the other STIX and display fonts hold
# old-style digits, symbols or none
FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-BoldOblique",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSansMono-Oblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-BoldItalic",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralBolIta",
    "STIXGeneralItalic",
    "cmb10",
    "cmr10",
    "cmss10",
    "cmtt10",
)


def render(font: str, digit: str, edge: int) -> Image.Image:
    """The digit in one font.

    Parameters
    ----------
    font : one of `FONTS`.
    digit : "0" to "9".
    edge : height of the font in pixels; the canvas is twice as large.

    Returns
    -------
    Mask of mode "L", 255 where there is ink.

    Raises
    ------
    FileNotFoundError : the installed matplotlib does not ship the font.
    """
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    if not path.is_file():
        raise FileNotFoundError(
            f"matplotlib {matplotlib.__version__} should ship {path}. Install matplotlib 3.10 or later."
        )
    # the basic layout engine is in every build of Pillow, raqm is not
    typeface = ImageFont.truetype(str(path), size=edge, layout_engine=ImageFont.Layout.BASIC)
    mask = Image.new("L", (2 * edge, 2 * edge), 0)
    ImageDraw.Draw(mask).text((edge, edge), digit, fill=255, font=typeface, anchor="mm")
    return mask
