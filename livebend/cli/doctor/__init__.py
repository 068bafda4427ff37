"""`livebend doctor`: what is here, and what to do about what is not.

command (everything, in the order in which a show needs it) · software · devices · material (models
and presets) · questions (that another process answers) · findings (what was found, as a page)
"""
