"""The command line: one file a command, each with `run(options)`, which returns the exit status.

main (what may be said, and who does it) · printing · live, render · sweep, contact_sheet,
operator_strips (sheets of pictures) · the listings · site_survey, find_clusters · bench/, tune ·
doctor
"""
