"""The command line: one file a command, each with `run(options)`, which returns the exit status.

main (the parser) · option_values (what it reads) · options (what several commands share) ·
printing · live, live_show, screen, rig (other shows), render · pack, unpack, show_pack (a show in
one file) · sweep, contact_sheet, operator_strips (sheets of pictures) · the listings · site_survey,
find_clusters · film/ (what render does) · bench/, tune · doctor
"""
