"""Every setting of every part, in one list: what is read from the environment is read by it."""

from kedge.streams.variables.file import all_variables
from kedge.streams.variables.kinds import Number, Setting, SettingsError, Switch, Text, Whole
from kedge.streams.variables.table import SETTINGS, settings_markdown, unknown

__all__ = [
    "SETTINGS",
    "Number",
    "Setting",
    "SettingsError",
    "Switch",
    "Text",
    "Whole",
    "all_variables",
    "settings_markdown",
    "unknown",
]
