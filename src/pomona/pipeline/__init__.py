"""The verbs of Pomona, from folder to folder; every command and notebook calls these."""
