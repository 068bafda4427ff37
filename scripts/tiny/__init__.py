"""The workshop of the embedded model `tiny`: its drawings, its training, its judgement."""
