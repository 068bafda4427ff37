"""Pictures that come in: where they come from, each at its time. Nothing here imports torch.

still (a file) · open_picture (a name -> its pictures)
"""
