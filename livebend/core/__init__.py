"""What every other wing needs. Nothing here knows torch, scenes or sound.

errors · extras (libraries of others) · ranges · specs (a parameter as declared) · sites (where a
bend acts) · clock · mailbox (values between threads) · worker · files, zip_files · records (objects
as JSON) · notify · status · statistics · panel (what the mouse plays)
"""
