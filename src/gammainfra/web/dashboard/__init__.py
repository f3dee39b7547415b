"""The dashboard: server-rendered pages about what is stored, imported when the first of them is asked for."""
