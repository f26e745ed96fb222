"""The checks of an audit, and their table.

Each module finds one kind of issue; `table.py` lists them all with their names and summaries.
"""
