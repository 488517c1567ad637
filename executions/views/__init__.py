"""The operators' pages: they ask the models' questions and call the models' verbs, and choose the words."""
