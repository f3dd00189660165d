"""What a program holds: saved into one pickle, so that identity, aliasing and cycles survive.

One file per family of objects; each registers its reducers in :data:`heresy.state.pickling.REDUCERS`.
"""
