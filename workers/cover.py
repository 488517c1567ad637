"""What no picture of a robot's browser ever shows: whatever is in a field for a password or a code, and how long it is.

The cover lies on every document of the robot's page from its very beginning, watched or not. It is a style sheet
outside the markup, put there from a JavaScript world that the page's own scripts do not meet: the robot reads the page
as it is. Frames of another site are not reached: there a password is dots, as everywhere.
"""

import json

WORDS = ("senha", "password", "passwd", "codigo", "código", "one-time-code", "otp", "token", "2fa")
FIELDS = ("name", "id", "autocomplete", "placeholder", "aria-label")
COVERED = ", ".join(
    ["input[type=password]", *(f"input[{field}*='{word}' i]" for field in FIELDS for word in WORDS)]
)  # by name too: "show my password" turns the field into a plain one
# "Important" in a layer is stronger than any rule of the page that is in none.
STYLE = f"""
@layer robo {{
  {COVERED} {{
    color: transparent !important; -webkit-text-fill-color: transparent !important; text-shadow: none !important;
    caret-color: transparent !important; background: #808080 !important;
  }}
  :is({COVERED})::placeholder {{ color: transparent !important; }}
}}
"""
SCRIPT = f"""
{{
  const cover = new CSSStyleSheet();
  cover.replaceSync({json.dumps(STYLE)});
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, cover];
}}
"""
# Parameters of the DevTools command Page.addScriptToEvaluateOnNewDocument.
ON_NEW_DOCUMENT = {"source": SCRIPT, "worldName": "robo"}
