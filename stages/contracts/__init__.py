"""What passes between stages and what a component provides. One file per kind of component; paths of the files between stages.

Tables (Arrow IPC) are declared in `tables/`, JSON documents in `documents/`, one file per kind; docs/schemas.md lists columns and keys.

Targets by task (`outputs` in the metadata names the classes, the labels or the targets; n_outputs is how many)
  binary, multiclass  int32, the code of the class
  multilabel          FixedSizeList<uint8>[n_outputs], 1 where the label holds
  regression          FixedSizeList<float64>[n_outputs] NaN where it is not known
"""
