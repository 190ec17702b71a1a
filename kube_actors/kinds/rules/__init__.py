"""What several kinds, or several parts of one, may not be: rules that answer with every cause at once. Pure."""
