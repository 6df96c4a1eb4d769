"""Views of goal states: the formats that others train on, each a function of this table's rows."""
