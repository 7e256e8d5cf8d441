"""How long things may be, in characters unless named otherwise; the database's columns are as wide."""

LONGEST_SLUG = 64
LONGEST_KEY = 255
LONGEST_FOLDER_NAME = 255
LONGEST_PATH = 1024
LONGEST_COMMENT = 2000
LONGEST_OWNER = 254
MAX_VALUE_BYTES = 64 * 1024
